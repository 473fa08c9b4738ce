"""The callback that turns a test into files, tables and a picture."""

import math
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.acceleration import Acceleration
from callbacks.timing.record import write_timing
from callbacks.timing.timing import Timing
from callbacks.utils.atomic_write import atomic_folder
from callbacks.utils.trainer import attributes
from callbacks.utils.unfinished import remove_leftovers
from data_modules.brats import BraTSDataModule
from data_modules.catalog.splits import ALL_TEST
from data_modules.summary import description
from data_modules.utils.words import counted
from lightning_app.ensembles.member_record import members_to_json
from lightning_app.ensembles.predictor import Predictor
from lightning_app.ensembles.seen_patients import seen_patients
from lightning_app.metrics.case_masks import VolumeSettings
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import accuracy_of_nothing
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.results.example_slices import ExampleSlices
from lightning_app.results.lesion_record import write_lesions
from lightning_app.results.partial_test import PARTIAL_KEY
from lightning_app.results.plots import to_grey
from lightning_app.results.test_record import POSTPROCESSING_KEY, write_test
from lightning_app.results.test_summary import postprocessing_notes, print_scores, volume_notes
from lightning_app.results.test_tables import write_cases, write_slices, write_volumes
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.environment import git_state
from lightning_app.runs.folder import Run, TestFolder, run_config
from lightning_app.runs.records import DataRecord, read_environment
from lightning_app.runs.restorable import LARGEST_COUNT
from lightning_app.scoring.test_scores import TestScores
from lightning_app.scoring.tested_cases import TestedCases
from lightning_app.task import MONITOR, SegmentationTask
from lightning_app.utils.errors import UsageError
from lightning_app.utils.text import print_lines


class TestResults(Callback):
    """Score a test that has ended, write its files into its folder, and print the scores.

    Args:
        predictor: whose weights are tested.
        timing: measures the test.
        acceleration: how the network is run.
        postprocessing: the file that says what is done to the masks; None if there is none.

    Attributes:
        is_partial: whether only a part of the split is tested; known once the test has started.

    Raises:
        RecordError: environment.json or split.csv of a run is damaged.
        UsageError: a best checkpoint is damaged.
    """

    __test__ = False  # pytest, this is not a test

    def __init__(
        self,
        predictor: Predictor,
        timing: Timing,
        acceleration: Acceleration,
        postprocessing: Path | None = None,
    ) -> None:
        self.predictor = predictor
        self._timing = timing
        self._acceleration = acceleration
        self._postprocessing_file = postprocessing
        # Read before the test, so that a damaged record does not waste its work.
        self._trained_data = read_environment(predictor.first.environment).data
        self._seen = [seen_patients(run) for run in predictor.runs]
        self._checkpoints = [_best_checkpoint(run) for run in predictor.runs]
        self.is_partial = False

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find out whether the whole split is tested, and remove what a killed test left."""
        batches, loader = trainer.num_test_batches, attributes(trainer).test_dataloaders
        self.is_partial = sum(batches) < len(loader)
        if trainer.is_global_zero:
            folder = self.predictor.folder
            folder.path.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder.path)
            remove_leftovers(folder.test().path)  # earlier versions wrote into it

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the scores of the task, which rank 0 has."""
        assert isinstance(pl_module, SegmentationTask)
        if pl_module.test_scores is not None:
            self._write(trainer, pl_module.test_scores, pl_module.postprocessing)

    def folder(self, data: BraTSDataModule) -> TestFolder:
        """The test folder; another one for a part of the split, other data or another split.

        Call it after the test has started.
        """
        trained, tested = self._trained_data, DataRecord.of(description(data))
        fingerprints = (tested.fingerprint, tested.split)
        same = fingerprints == (trained.fingerprint, trained.split)
        fingerprint = None if same else "-".join(fingerprints)
        return self.predictor.folder.test(fingerprint, partial=self.is_partial)

    def _write(self, trainer: Trainer, test: TestScores, postprocessing: Postprocessing) -> None:
        data: BraTSDataModule = attributes(trainer).datamodule
        folder, table = self.folder(data), test.table
        by_case, examples = table.by_case(), _example_slices(test.cases)
        with atomic_folder(folder.path) as temporary:
            new = TestFolder(temporary)
            facts = {
                **self._facts(trainer, data, table),
                **self._postprocessing(postprocessing),
                **_volume_facts(test.cases),
            }
            raw = None if test.raw is None else (test.raw.scores, test.raw.volumes)
            write_test(new, facts, test.scores, test.volumes, raw)
            write_timing(new.timing, self._timing.test_record or {})
            write_slices(new, table)
            write_cases(new, by_case)
            write_volumes(new, test.volume_table)
            write_lesions(new, test.scored, data.target.class_names)
            examples.write(new)
            examples.draw(new.picture, by_case, f"Data: {data.source.in_words}")
            _keep_other_files(folder.path, temporary)
        print_scores(data, table, test.scores, test.volumes)
        print_lines(*volume_notes(test.scored, test.cases.cohorts))
        print_lines(*postprocessing_notes(postprocessing, test))
        self._print_notes(folder, data, table)

    def _print_notes(self, folder: TestFolder, data: BraTSDataModule, table: CountTable) -> None:
        if self.is_partial:
            slices = counted(data.datasets["test"].counted, "slice")
            print_lines(
                f"Partial test: {len(table.slices)} of {slices} of the test split; no report "
                "reads it."
            )
        print_lines(*self._other_data_notes(data))
        if self._trained_data.is_earlier_preparation_of(DataRecord.of(description(data))):
            print_lines(
                "These are not the slices that the run was trained on: an earlier version prepared "
                "those, perhaps with another brain mask. Train it again to compare it."
            )
        if seen := self._trained_on(data, table):
            several = len(self.predictor.runs) > 1
            print_lines(
                f"{'One run or another' if several else 'The run'} was trained, or its best epoch "
                f"chosen, on {len(seen)} of {counted(len(set(table.patients)), 'patient')}: these "
                "scores are optimistic."
            )
        seconds = (self._timing.test_record or {})["seconds"]
        print_lines(
            f"Time: {seconds:.2f} s from the first read to the last mask",
            f"Numbers: {folder.metrics}",
            f"Picture: {folder.picture}",
        )

    def _other_data_notes(self, data: BraTSDataModule) -> list[str]:
        """How to test all cases of other data, if a split of them was tested."""
        trained, tested = self._trained_data, DataRecord.of(description(data))
        are_other = tested.fingerprint != trained.fingerprint and tested.split != trained.split
        cases, all_cases = len(data.splits["test"]), sum(map(len, data.splits.values()))
        if not are_other or cases == all_cases or data.split_rule.file is not None:
            return []
        note = (
            f"These are not the run's data, and {cases} of their {all_cases} cases were tested, "
            f"the test split; --data.split_sizes {ALL_TEST} tests all of them."
        )
        return [note]

    def _trained_on(self, data: BraTSDataModule, table: CountTable) -> set[str]:
        """Tested patients on which a run was trained or its best epoch chosen."""
        return {
            patient for seen in self._seen for patient in seen.among(table.patients, data.source)
        }

    def _provenance(self) -> Mapping[str, Any]:
        """Whose weights were tested, when, and with which version of the program."""
        return {
            **self._weights(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "program": {"version": version("brats-lightning"), "git": git_state()},
        }

    def _postprocessing(self, used: Postprocessing) -> dict[str, Any]:
        """What was done to the masks, and which file said so."""
        file, own = self._postprocessing_file, self.predictor.first.postprocessing
        if file is None and used.is_nothing:
            return {POSTPROCESSING_KEY: None}
        is_own = file in {None, own} and self.predictor.is_plain
        return {
            POSTPROCESSING_KEY: {"file": own.name if is_own else str(file), **used.to_json()},
        }

    def _weights(self) -> Mapping[str, Any]:
        if not self.predictor.is_plain:
            return members_to_json(self.predictor, self._checkpoints)
        run = self.predictor.first
        return {
            "run": f"{run.experiment}/{run.path.name}",
            "network": run_config(run)["model"]["network"]["class_path"],
        }

    def _facts(
        self, trainer: Trainer, data: BraTSDataModule, table: CountTable
    ) -> Mapping[str, Any]:
        """What metrics.json says besides the scores."""
        return {
            **self._provenance(),
            PARTIAL_KEY: self.is_partial,
            "data": description(data),
            **({"checkpoint": self._checkpoints[0]} if self.predictor.is_plain else {}),
            "computed_with": {
                "precision": str(trainer.precision),
                "acceleration": {  # not compile, which acts in fit only
                    "channels_last": self._acceleration.channels_last,
                    "fold_batch_norm": self._acceleration.fold_batch_norm,
                },
            },
            "patients": len(set(table.patients)),
            "patients_trained_on": len(self._trained_on(data, table)),
            "cases": len(set(table.cases)),
            "slices": len(table.slices),
            "accuracy_of_nothing": accuracy_of_nothing(table),
        }


def _example_slices(tested: TestedCases) -> ExampleSlices:
    """The tested slice with most target of each tested case."""
    dataset = tested.dataset
    most = dataset.most_of(tested.target.foreground, tested.masks.samples)
    samples = [most[case] for case in sorted(most)]
    images, _ = dataset.stored(samples)
    return ExampleSlices(
        [dataset.cases[dataset.case_index[sample]].id for sample in samples],
        dataset.slice_index[samples],
        np.stack([to_grey(image.astype(np.float32)) for image in images[0]]),
        tested.references(samples),
        tested.predictions(samples),
    )


def _volume_facts(tested: TestedCases) -> dict[str, Any]:
    """What the volume scores depend on."""
    settings = VolumeSettings()
    cohorts = [cohort.name for cohort in tested.cohorts]
    return {
        "volume_settings": {"cohorts": cohorts, "year": YEAR, "tolerance_mm": settings.tolerance}
    }


def _keep_other_files(old: Path, new: Path) -> None:
    """Copy what a test does not write, such as the user's notes, from its earlier folder."""
    written = {path.name for path in new.iterdir()}

    def skipped(folder: str, names: list[str]) -> set[str]:
        return written & set(names) if Path(folder) == old else set()

    if old.is_dir():
        shutil.copytree(old, new, symlinks=True, ignore=skipped, dirs_exist_ok=True)


def _best_checkpoint(run: Run) -> Mapping[str, Any]:
    """The run's best checkpoint: file, epoch, and validation score, which may be None.

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
    return {"file": run.best.name, "epoch": epoch, MONITOR: score}
