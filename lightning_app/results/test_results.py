"""The callback that turns a test into files, tables and a picture."""

import math
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.acceleration import Acceleration
from callbacks.timing.record import write_timing
from callbacks.timing.timing import Timing
from data_modules.brats import BraTSDataModule
from data_modules.summary import description
from lightning_app.metrics.case_tables import case_tables
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import accuracy_of_nothing, count_results, volume_results
from lightning_app.metrics.predicted_masks import PackedMasks
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.score_table import print_scores
from lightning_app.results.test_record import write_cases, write_slices, write_test, write_volumes
from lightning_app.results.tested_cases import TestedCases
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run, TestFolder
from lightning_app.runs.records import read_environment, read_split
from lightning_app.runs.restorable import LARGEST_COUNT
from lightning_app.task import MONITOR, SegmentationTask
from lightning_app.utils.errors import UsageError


class TestResults(Callback):
    """Score a test that has ended, write its files into the run's folder, and print the scores.

    Args:
        run: the run that is tested.
        timing: has measured the test when it ends.
        acceleration: how the network is run.

    Raises:
        RecordError: environment.json or split.csv of the run is damaged.
        UsageError: the best checkpoint is damaged.
    """

    __test__ = False  # pytest, this is not a test

    def __init__(self, run: Run, timing: Timing, acceleration: Acceleration) -> None:
        self.run = run
        self._timing = timing
        self._acceleration = acceleration
        # Read before the test, so that a damaged record does not waste its work.
        self._trained_data = read_environment(run.environment).data
        self._split = read_split(run.split)
        self._epoch, self._score = _best_epoch(run)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Join the masks of all devices, and write the results on rank 0."""
        assert isinstance(pl_module, SegmentationTask)
        masks = pl_module.test_masks.compute()
        pl_module.test_masks.reset()
        if trainer.is_global_zero:
            self._write(trainer, masks)

    def folder(self, data: BraTSDataModule) -> TestFolder:
        """The run's own test folder, or another one for other data or another split."""
        trained, tested = self._trained_data, description(data)
        fingerprints = (tested["fingerprint"], tested["split"])
        same = fingerprints == (trained.fingerprint, trained.split)
        return self.run.test(None if same else "-".join(fingerprints))

    def _write(self, trainer: Trainer, masks: PackedMasks) -> None:
        data: BraTSDataModule = trainer.datamodule  # type: ignore[attr-defined]
        folder, tested = self.folder(data), TestedCases(data, masks)
        table, volumes = case_tables(tested, data.target.class_names, VOLUME_SCORES)
        scores, of_volumes = count_results(table), volume_results(volumes, VOLUME_SCORES)
        write_test(folder, self._facts(trainer, data, table), scores, of_volumes)
        write_timing(folder.timing, self._timing.test_record or {})
        by_case = table.by_case()
        write_slices(folder, table)
        write_cases(folder, by_case)
        write_volumes(folder, volumes)
        examples = tested.example_slices()
        examples.write(folder)
        examples.draw(folder.picture, by_case, f"Data: {data.kind}")
        print_scores(data, table, scores, of_volumes)
        self._print_notes(folder, table)

    def _print_notes(self, folder: TestFolder, table: CountTable) -> None:
        if seen := self._trained_on(table):
            print(
                f"The run was trained, or its best epoch chosen, on {len(seen)} of the "
                f"{len(set(table.patients))} patients: these scores are flattered."
            )
        seconds = (self._timing.test_record or {})["seconds"]
        print(f"Time: {seconds:.2f} s from the first read to the last mask")
        print(f"Numbers: {folder.metrics}\nPicture: {folder.picture}")

    def _trained_on(self, table: CountTable) -> set[str]:
        """Tested patients that the run was trained, or its best epoch chosen, on."""
        seen = {patient for _, patient, split in self._split if split != "test"}
        return set(table.patients) & seen

    def _facts(
        self, trainer: Trainer, data: BraTSDataModule, table: CountTable
    ) -> Mapping[str, Any]:
        """What metrics.json says besides the scores."""
        return {
            "data": description(data),
            "checkpoint": {
                "file": self.run.best.name,
                "epoch": self._epoch,
                MONITOR: self._score,
            },
            "computed_with": {
                "precision": str(trainer.precision),
                "acceleration": {  # not compile, which acts in fit only
                    "channels_last": self._acceleration.channels_last,
                    "fold_batch_norm": self._acceleration.fold_batch_norm,
                },
            },
            "patients": len(set(table.patients)),
            "patients_trained_on": len(self._trained_on(table)),
            "cases": len(set(table.cases)),
            "slices": len(table.slices),
            "accuracy_of_nothing": accuracy_of_nothing(table),
        }


def _best_epoch(run: Run) -> tuple[int, float | None]:
    """The epoch of the run's best checkpoint, and its validation score; None if undefined.

    Raises:
        UsageError: the checkpoint does not say.
    """
    saved = read_checkpoint(run.best, memory_map=True)
    scores = saved.get("scores")
    epoch, score = saved.get("epoch"), scores.get(MONITOR) if isinstance(scores, dict) else ""
    if type(epoch) is not int or not 0 <= epoch <= LARGEST_COUNT:
        raise UsageError(f"checkpoint '{run.best}' is damaged: its epoch is {epoch}")
    if score is not None and not (isinstance(score, float) and math.isfinite(score)):
        raise UsageError(f"checkpoint '{run.best}' is damaged: its scores are {scores}")
    return epoch, score
