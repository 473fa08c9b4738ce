import torch

from data_modules.utils.row_list import append_rows
from lightning_app.metrics.confusion_counts import SliceCounts
from lightning_app.metrics.predicted_masks import PredictedMasks

BATCHES, SIZE = 100, 4


def test_many_batches_are_few_tensors_in_their_order() -> None:
    parts: list[torch.Tensor] = []
    for batch in range(BATCHES):
        append_rows(parts, torch.arange(SIZE * batch, SIZE * (batch + 1)))
        assert len(parts) <= (batch + 1).bit_length()

    assert torch.equal(torch.cat(parts), torch.arange(SIZE * BATCHES))


def test_a_smaller_batch_at_the_end_is_kept() -> None:
    parts: list[torch.Tensor] = []
    for size in (4, 4, 4, 1):
        append_rows(parts, torch.ones(size, 2))

    assert [len(part) for part in parts] == [8, 4, 1]


def test_the_metrics_keep_few_tensors() -> None:
    """A small one of every batch would pin the memory of its images."""
    masks, counts = PredictedMasks(), SliceCounts()
    for batch in range(BATCHES):
        mask = torch.zeros(SIZE, 2, 8, 8, dtype=torch.bool)
        samples = torch.arange(SIZE * batch, SIZE * (batch + 1))
        masks.update(mask, samples)
        counts.update(mask, mask, samples)

    assert max(len(masks.packed), len(masks.samples), len(counts.rows)) <= BATCHES.bit_length()
    assert len(masks.compute().samples) == len(counts.compute()) == SIZE * BATCHES
