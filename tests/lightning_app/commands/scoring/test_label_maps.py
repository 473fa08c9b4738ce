"""A test scores the label maps that ``predict`` writes."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.runs.folder import find_runs
from lightning_app.runs.records import read_split
from tests.conftest import Program
from tests.helpers.runs.sharp_runs import sharpen
from tests.helpers.toy import write_dataset

SCORES = ("dice", "hd95", "nsd", "lesion_dice", "lesions_missed", "lesions_invented")
SMALL = {"name": "smallest_component", "mm3": 12}
ENHANCING = {"name": "small_enhancing_to_core", "mm3": 50}
WHOLE_CASES = [
    *("--data.slices", "all", "--data.image_size", "[48,48]", "--data.split_sizes", "[2,1,3]"),
]


@pytest.mark.parametrize(("target", "steps"), [("regions", [ENHANCING, SMALL]), ("whole", [SMALL])])
def test_evaluate_finds_the_scores_of_the_test(
    target: str, steps: list[dict[str, object]], program: Program, tmp_path: Path
) -> None:
    root = write_dataset(tmp_path / "data", 6, size=48)
    assert program("fit", "--data.root", str(root), "--data.target", target, *WHOLE_CASES) == 0
    (run,) = find_runs(Path("runs"))
    sharpen(run, min(root.iterdir()))  # its regions do not lie within each other
    tested = [case for case, _, split in read_split(run.split) if split == "test"]
    for case in tested:
        shutil.copytree(root / case, Path("reference") / case)
    names = ["--input", "masks", "--reference", "reference", "--output", "scores"]

    for operations in ([], steps):
        chosen = {"format": 1, "target": target, "threshold": 0.4, "operations": operations}
        run.postprocessing.write_text(json.dumps(chosen), "utf-8")
        assert program("test") == 0
        assert program("predict", "--input", "reference", "--output", "masks") == 0
        assert main(["evaluate", *names]) == 0

        expected = scores_in(run.test().path / "volumes.csv")
        found = scores_in(Path("scores/cases.csv"))
        assert len({case for case, _ in expected}) == len(tested)
        for key, scores in expected.items():
            # The cache of a test holds float16, which moves a voxel here and there.
            assert found[key] == pytest.approx(scores, rel=0.05, abs=0.02, nan_ok=True), key


def scores_in(path: Path) -> dict[tuple[str, str], list[float]]:
    """The scores by case and class."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["case"], row.get("class") or row["region"]): [float(row[s] or "nan") for s in SCORES]
        for row in rows
    }
