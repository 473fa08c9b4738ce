"""Run folders as training and test write them, made from a few masks without the product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_results import (
    ToyCase,
    write_csv,
    write_json,
    write_masks,
    write_results,
)

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
        fold: the fold that is tested, and how many there are.
        others: the cases of the training.
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
    fold: tuple[int, int] | None = None
    others: Sequence[str] = ("other-000",)

    def write(self, root: Path) -> Run:
        """Write the run folder."""
        run = Run(root / f"{self.network.rpartition('.')[2]}_{self.modality}" / self.name)
        run.path.mkdir(parents=True)
        run.config.write_text(yaml.safe_dump(self._config()), encoding="utf-8")
        write_json(run.status, {"status": self.status})
        environment = {"device": "cpu", "python": "3.11", **self.environment}
        write_json(run.environment, {**environment, "data": self._data()})
        size = {"parameters": 1000, "multiply_adds": 2000, "image_size": [SIZE, SIZE]}
        write_json(run.network, size)
        rows = [(case, case[:-4], "test") for case in self.cases]
        others = [(case, case[:-4], "train") for case in self.others]
        write_csv(run.split, ("case", "patient", "side"), [*rows, *others])
        write_csv(run.metrics, ("epoch", "val/dice"), [(0, 0.25), (1, None), (2, 0.5)])
        if self.training is not None:
            write_json(run.timing, {"device": "gpu", "run": {"seconds": self.training}})
        self._write_test(run)
        return run

    def _write_test(self, run: Run) -> None:
        test = run.test()
        test.path.mkdir()
        facts = {"data": self._data(), "checkpoint": {"epoch": 2}, "patients_trained_on": 0}
        if self.computed_with is not None:
            facts["computed_with"] = self.computed_with
        cases = [ToyCase(case, case[:-4], *masks(*sizes)) for case, sizes in self.cases.items()]
        write_results(test.path, facts, cases)
        write_masks(test.path, cases)
        if self.inference is not None:
            write_json(test.timing, {"device": "gpu", "seconds": self.inference})

    def _config(self) -> dict[str, Any]:
        fold, folds = self.fold or (0, None)
        return {
            "seed_everything": self.seed,
            "model": {"network": {"class_path": self.network}},
            "data": {"modalities": self.modality.split("+"), "folds": folds, "fold": fold},
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


def rate(lr: float) -> dict[str, Any]:
    """The settings of a run with a learning rate."""
    return {"optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": lr}}}


def twelve_cases(common: Sequence[int]) -> dict[str, tuple[int, int, int]]:
    """Twelve patients with one case each: 40 true and 40 predicted pixels, ``common`` in both."""
    return {f"P{i:02d}-000": (40, 40, both) for i, both in enumerate(common)}


def masks(true: int, predicted: int, both: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Reference and prediction (SIZE, SIZE) with the given numbers of pixels."""
    reference, prediction = np.zeros((2, SIZE * SIZE), bool)
    reference[:true] = True
    prediction[true - both : true - both + predicted] = True
    return reference.reshape(SIZE, SIZE), prediction.reshape(SIZE, SIZE)
