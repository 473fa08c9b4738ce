"""The callback that turns a test into files, a table and a picture."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor

from callbacks.acceleration import Acceleration
from callbacks.timing.timing import Timing
from callbacks.utils.atomic_write import atomic_write
from data_modules.batch_dataset import Batch
from data_modules.brats import BraTSDataModule
from data_modules.summary import description
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.scores import (
    Result,
    accuracy_of_nothing,
    case_dice,
    evaluate_with_intervals,
)
from lightning_app.results.plots import Example, draw_examples, to_grey
from lightning_app.results.score_table import print_scores
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run, TestFolder
from lightning_app.task import MONITOR, SegmentationTask
from lightning_app.utils.json_csv import read_json, write_csv, write_json

BOOTSTRAP_SEED = 0


class TestResults(Callback):
    """Write what a test found into the run's folder, print the scores, draw three cases.

    These are the best, the median and the worst of the cases with target. Of each case one slice is
    kept for pictures: the one with most target, the lowest where several have as much, the middle
    one where there is none.

    Args:
        run: the run that is tested.
        timing: has measured the test by its end.
        acceleration: in which form the network is run.
    """

    __test__ = False  # pytest, this is not a test

    def __init__(self, run: Run, timing: Timing, acceleration: Acceleration) -> None:
        self.run = run
        self._timing = timing
        self._acceleration = acceleration
        self._shown: dict[int, int] = {}
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._truths: dict[int, NDArray[np.bool_]] = {}
        self._predictions: dict[int, NDArray[np.bool_]] = {}

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Choose the slice of each case that will be shown."""
        data = _data(trainer)
        self._shown = data.datasets["test"].most_of(data.target.foreground)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep image, truth and prediction of the chosen slices."""
        assert isinstance(outputs, Tensor)
        assert isinstance(pl_module, SegmentationTask)
        del trainer
        case_of = {sample: case for case, sample in self._shown.items()}
        truth = pl_module.target.classes_of(batch["labels"])
        for place, sample in enumerate(batch["sample"].tolist()):
            if (case := case_of.get(sample)) is not None:
                self._images[case] = to_grey(batch["image"][place, 0].cpu().numpy())
                self._truths[case] = truth[place].cpu().numpy()
                self._predictions[case] = outputs[place].cpu().numpy()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the files and print the table."""
        assert isinstance(pl_module, SegmentationTask)
        table = pl_module.count_table("test")
        for kept in (self._images, self._truths, self._predictions):
            _gather(kept, trainer)
        if not trainer.is_global_zero:
            return
        data = _data(trainer)
        folder = self.folder(data)
        results = evaluate_with_intervals(table, BOOTSTRAP_SEED)
        write_json(folder.metrics, self._metrics(trainer, table, results))
        times = self._timing.test_record or {}
        write_json(folder.timing, times)
        by_case = table.by_case()
        write_csv(folder.cases, _CASE_COLUMNS, _rows(by_case))
        write_csv(folder.slices, _SLICE_COLUMNS, _rows(table))
        self._write_pictures(folder, data, by_case)
        print_scores(data, table, results)
        if known := self._trained_on(table):
            print(
                f"{len(known)} of the {len(set(table.patients))} patients were on the training or "
                "validation side of this run: these scores are flattered."
            )
        print(f"Time: {times['seconds']:.2f} s from the first read to the last mask")
        print(f"Numbers: {folder.metrics}\nPicture: {folder.picture}")

    def _trained_on(self, table: CountTable) -> set[str]:
        """Tested patients whom the run has trained or chosen its best epoch on."""
        with self.run.split.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return set(table.patients) & {row["patient"] for row in rows if row["side"] != "test"}

    def folder(self, data: BraTSDataModule) -> TestFolder:
        """The run's own test folder; another one for other data or another split."""
        own = read_json(self.run.environment)["data"]
        now = description(data)
        same = all(own[key] == now[key] for key in ("fingerprint", "split"))
        return self.run.test(None if same else f"{now['fingerprint']}-{now['split']}")

    def _metrics(
        self, trainer: Trainer, table: CountTable, results: dict[str, dict[str, Result]]
    ) -> dict[str, Any]:
        saved = read_checkpoint(self.run.best, memory_map=True)
        return {
            "data": description(_data(trainer)),
            "checkpoint": {
                "file": self.run.best.name,
                "epoch": saved["epoch"],
                MONITOR: saved["scores"][MONITOR],
            },
            "computed_with": {
                "precision": str(trainer.precision),
                "acceleration": {  # but for compile, which acts in fit alone
                    "channels_last": self._acceleration.channels_last,
                    "fold_batch_norm": self._acceleration.fold_batch_norm,
                },
            },
            "patients": len(set(table.patients)),
            "patients_trained_on": len(self._trained_on(table)),
            "cases": len(set(table.cases)),
            "slices": len(table.slices),
            "accuracy_of_nothing": accuracy_of_nothing(table),
            "scores": {
                name: {
                    score: {
                        "value": result.value,
                        "low": result.interval[0] if result.interval else None,
                        "high": result.interval[1] if result.interval else None,
                    }
                    for score, result in scores.items()
                }
                for name, scores in results.items()
            },
        }

    def _write_pictures(self, folder: TestFolder, data: BraTSDataModule, table: CountTable) -> None:
        dataset = data.datasets["test"]
        kept = sorted(self._predictions)
        names = [dataset.cases[case].id for case in kept]
        slices = np.array([dataset.slice_index[self._shown[case]] for case in kept])
        truths = np.stack([self._truths[case] for case in kept])
        predictions = np.stack([self._predictions[case] for case in kept])
        images = np.stack([self._images[case] for case in kept])
        # Bits instead of bytes, to be read back by unpackbits(..., count=W).
        _write_npz(
            folder.masks,
            case=np.array(names),
            slice=slices,
            width=np.array(truths.shape[-1]),
            truth=np.packbits(truths, axis=-1),
            prediction=np.packbits(predictions, axis=-1),
        )
        _write_npz(folder.images, case=np.array(names), slice=slices, image=images)
        dice = dict(zip(table.cases, case_dice(table).mean(axis=1), strict=True))
        # A case without tumour that is predicted empty is right, but shows nothing.
        shown = [i for i in range(len(kept)) if truths[i].any()] or list(range(len(kept)))
        ranked = sorted(shown, key=lambda place: -dice[names[place]])
        # Of fewer than three cases none is drawn twice.
        chosen = {ranked[len(ranked) // 2]: "median", ranked[-1]: "worst", ranked[0]: "best"}
        examples = [
            Example(
                f"{word}: {names[i]}, slice {slices[i]}, Dice of the case {dice[names[i]]:.3f}",
                images[i],
                truths[i],
                predictions[i],
            )
            for i, word in sorted(chosen.items(), key=lambda pair: ranked.index(pair[0]))
        ]
        draw_examples(folder.picture, examples, table.classes, f"Data: {data.kind}")


_CASE_COLUMNS = ("case", "patient", "class", "tp", "fp", "fn", "tn", "dice")
_SLICE_COLUMNS = ("case", "patient", "slice", "class", "tp", "fp", "fn", "tn", "dice")


def _rows(table: CountTable) -> list[list[object]]:
    """A row for each slice (or case, where the table is one of cases) and class."""
    of_cases = all(index < 0 for index in table.slices)
    rows: list[list[object]] = []
    for case, patient, index, counts in zip(
        table.cases, table.patients, table.slices, table.counts, strict=True
    ):
        for name, (tp, fp, fn, tn) in zip(table.classes, counts.tolist(), strict=True):
            empty = 1.0 if of_cases else None
            dice = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else empty
            place = [case, patient] if of_cases else [case, patient, index]
            rows.append([*place, name, tp, fp, fn, tn, dice])
    return rows


def _write_npz(path: Path, **arrays: NDArray[Any]) -> None:
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]


def _gather(kept: dict[int, NDArray[Any]], trainer: Trainer) -> None:
    """Add to what this process kept of some cases what the others kept of theirs."""
    if trainer.world_size > 1:
        everywhere: list[Any] = [None] * trainer.world_size
        torch.distributed.all_gather_object(everywhere, kept)
        for others in everywhere:
            kept.update(others)


def _data(trainer: Trainer) -> BraTSDataModule:
    data: BraTSDataModule = trainer.datamodule  # type: ignore[attr-defined]
    return data
