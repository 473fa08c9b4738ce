"""Run folders as training and test write them, made from a few masks without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from callbacks.timing.record import write_timing
from lightning_app.metrics.case_masks import CaseMasks
from lightning_app.metrics.case_tables import case_tables
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import accuracy_of_nothing, count_results, volume_results
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.example_slices import ExampleSlices
from lightning_app.results.test_record import write_cases, write_slices, write_test, write_volumes
from lightning_app.runs.folder import Run
from lightning_app.runs.records import write_environment, write_record, write_split
from lightning_app.utils.json_csv import write_csv

SIZE = 16
UNET, ATTENTION, SPP, ASPP = (
    f"models.{name}" for name in ("UNet", "AttentionUNet", "AttentionUNetSPP", "AttentionUNetASPP")
)
ASPP_V2 = "models.AttentionUNetASPPv2"

# Pixels of each case in the reference, in the prediction, and in both.
Sizes = Mapping[str, tuple[int, int, int]]


@dataclass
class ToyRun:
    """The content of a run folder; every case has one slice and one class.

    Attributes:
        cases: pixels of each case by its id. The last four characters of an id are the number of
            the scan, and those before them are the patient.
    """

    cases: Sizes
    network: str = UNET
    modality: str = "t2f"
    seed: int = 0
    name: str = "20260101-000000-aaaaaa"
    data: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    computed_with: dict[str, Any] | None = None
    status: str = "finished"
    training: float | None = None
    inference: float | None = None

    def write(self, root: Path) -> Run:
        """Write the run folder."""
        run = Run(root / f"{self.network.rpartition('.')[2]}_{self.modality}" / self.name)
        run.path.mkdir(parents=True)
        run.config.write_text(yaml.safe_dump(self._config()), encoding="utf-8")
        write_record(run.status, {"status": self.status})
        environment = {"device": "cpu", "python": "3.11", **self.environment}
        write_environment(run.environment, environment, self._data())
        size = {"parameters": 1000, "multiply_adds": 2000, "image_size": [SIZE, SIZE]}
        write_record(run.network, size)
        rows = [(case, case[:-4], "test") for case in self.cases]
        write_split(run.split, [*rows, ("other-000", "other", "train")])
        write_csv(run.metrics, ("epoch", "val/dice"), [(0, 0.25), (1, None), (2, 0.5)])
        if self.training is not None:
            write_timing(run.timing, {"device": "gpu", "run": {"seconds": self.training}})
        self._write_test(run)
        return run

    def _write_test(self, run: Run) -> None:
        test = run.test()
        test.path.mkdir()
        table, volumes = case_tables(self._masks(), ("whole",), VOLUME_SCORES)
        facts = {
            "data": self._data(),
            "checkpoint": {"epoch": 2},
            "patients_trained_on": 0,
            "accuracy_of_nothing": accuracy_of_nothing(table),
        }
        if self.computed_with is not None:
            facts["computed_with"] = self.computed_with
        write_test(test, facts, count_results(table), volume_results(volumes, VOLUME_SCORES))
        write_slices(test, table)
        write_cases(test, table.by_case())
        write_volumes(test, volumes)
        if self.inference is not None:
            write_timing(test.timing, {"device": "gpu", "seconds": self.inference})
        self._example_slices().write(test)

    def _masks(self) -> list[CaseMasks]:
        """The masks of every case, one slice each with index 7."""
        return [
            CaseMasks(case, case[:-4], [7], prediction[None], reference[None], (1.0, 1.0, 1.0))
            for case, sizes in self.cases.items()
            for reference, prediction in [_masks(*sizes)]
        ]

    def _example_slices(self) -> ExampleSlices:
        masks = self._masks()
        grey = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(1, SIZE, SIZE)
        return ExampleSlices(
            [case.case for case in masks],
            np.full(len(masks), 7),
            np.repeat(grey, len(masks), axis=0),
            np.concatenate([case.reference for case in masks]),
            np.concatenate([case.prediction for case in masks]),
        )

    def table(self) -> CountTable:
        """The counts."""
        return case_tables(self._masks(), ("whole",), ())[0]

    def _config(self) -> dict[str, Any]:
        return {
            "seed_everything": self.seed,
            "model": {"network": {"class_path": self.network}},
            "data": {"modalities": self.modality.split("+")},
            "trainer": {"max_epochs": 3},
            **self.settings,
        }

    def _data(self) -> dict[str, Any]:
        return {
            "kind": "phantom",
            "fingerprint": f"print-{self.modality}",
            "split": "split-a",
            "target": "whole",
            "slices": "middle",
            "eval_slices": "middle",
            **self.data,
        }


def twelve_cases(common: Sequence[int]) -> dict[str, tuple[int, int, int]]:
    """Twelve patients with one case each: 40 true and 40 predicted pixels, ``common`` in both."""
    return {f"P{i:02d}-000": (40, 40, both) for i, both in enumerate(common)}


def _masks(true: int, predicted: int, both: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Reference and prediction (1, SIZE, SIZE) with the given numbers of pixels."""
    reference, prediction = np.zeros((2, SIZE * SIZE), bool)
    reference[:true] = True
    prediction[true - both : true - both + predicted] = True
    return reference.reshape(1, SIZE, SIZE), prediction.reshape(1, SIZE, SIZE)
