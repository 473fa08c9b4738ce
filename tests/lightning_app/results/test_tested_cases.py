"""Which slices of a case are scored."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.toy import write_dataset, write_volume

DEPTH = 7
WITH_BRAIN = {"t1c": [2, 3, 5], "t2f": [1, 2, 3, 4]}
WITH_LABEL = [3, 4]  # 4 has no brain on t1c


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four cases whose modalities cover different slices."""
    root = write_dataset(tmp_path / "data", 4, depth=DEPTH)
    for kept, pattern in ((WITH_LABEL, "seg"), *((v, k) for k, v in WITH_BRAIN.items())):
        for path in root.glob(f"*/*-{pattern}.nii.gz"):
            voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            voxels[np.setdiff1d(np.arange(DEPTH), kept)] = 0
            write_volume(path, voxels)
    return root


def fit_and_test(program: Program, root: Path, modality: str, *options: str) -> Run:
    data = ("--data.root", str(root), "--data.slices", "all", "--data.split_sizes", "[1,1,2]")
    assert program("fit", *data, experiment=f"unet_{modality}.yaml") == 0
    assert program("test", *options) == 0
    return find_runs(Path("runs"))[0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scores(run: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.test().metrics.read_text("utf-8"))
    return content


def test_all_slices_are_the_same_slices_on_every_modality(program: Program, root: Path) -> None:
    runs = {modality: fit_and_test(program, root, modality) for modality in WITH_BRAIN}

    slices = {name: rows(run.test().slices) for name, run in runs.items()}
    units = {n: [(row["case"], int(row["slice"])) for row in table] for n, table in slices.items()}
    cases = sorted({case for case, _ in units["t1c"]})
    assert units["t1c"] == units["t2f"] == [(c, s) for c in cases for s in range(DEPTH)]
    assert len(cases) == 2
    for name, table in slices.items():
        run_by_network = {*WITH_BRAIN[name], *WITH_LABEL}
        for row in table:
            assert sum(int(row[count]) for count in ("tp", "fp", "fn", "tn")) == 32 * 32
        blank = [int(row["tn"]) for row in table if int(row["slice"]) not in run_by_network]
        assert blank == [32 * 32] * 2 * (DEPTH - len(run_by_network))
        assert len(run_by_network) < DEPTH
        assert scores(runs[name])["slices"] == 2 * DEPTH


def test_a_test_of_a_few_batches_counts_no_slice_that_was_not_reached(
    program: Program, root: Path
) -> None:
    # Not 1: Trainer's types decide by the order of imports whether that is an int or a float.
    limits = ("--trainer.limit_test_batches", "2", "--data.batch_size", "1")
    run = fit_and_test(program, root, "t1c", *limits)

    found = [(row["case"], int(row["slice"])) for row in rows(run.test(partial=True).slices)]
    assert [index for _, index in found] == [0, 1, 2, 3, 6]  # 4 and 5 are in the next batch
    assert len({case for case, _ in found}) == 1


def test_a_validation_counts_every_slice(program: Program, root: Path) -> None:
    run = fit_and_test(program, root, "t1c")
    validated = float(rows(run.metrics)[-1]["val/accuracy"])
    wrong = (1 - validated) * DEPTH * 32 * 32  # of all pixels of the case
    assert wrong == pytest.approx(round(wrong), abs=0.01)
    assert validated * DEPTH >= DEPTH - len({*WITH_BRAIN["t1c"], *WITH_LABEL})
