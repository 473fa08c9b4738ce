"""How a test is scored and written once all batches have been predicted."""

import csv
import errno
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from lightning_app.metrics.score import VolumeScore
from lightning_app.metrics.volume.lesions import LesionKind
from lightning_app.results import test_results
from lightning_app.results.lesion_record import read_lesions
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.runs.unfinished import unfinished_of_dead_process
from tests.helpers.toy import write_case, write_dataset

FILES = [
    "cases.csv", "cases.png", "images.npz", "lesions.csv", "masks.npz", "metrics.json",
    "slices.csv", "timing.json", "volumes.csv",
]  # fmt: skip


@pytest.fixture
def run(program: Program) -> Run:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    return run


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("writer", ["write_timing", "write_slices", "write_volumes"])
def test_a_test_that_fails_while_it_writes_leaves_nothing(
    writer: str, program: Program, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(run.path)
    monkeypatch.setattr(test_results, writer, full_disk)
    assert program("test") == 2
    assert names(run.path) == before


def test_a_second_test_replaces_its_own_files_and_keeps_all_others(
    program: Program, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = unfinished_of_dead_process(run.test().path)
    left.mkdir()
    assert program("test") == 0
    assert not left.exists()
    assert names(run.test().path) == FILES

    (run.test().path / "notes").mkdir()
    (run.test().path / "notes" / "cases.csv").write_text("mine")
    before = run.test().metrics.read_bytes()
    with monkeypatch.context() as injected:
        injected.setattr(test_results, "write_volumes", full_disk)
        assert program("test") == 2
    assert run.test().metrics.read_bytes() == before

    run.test().slices.write_text("damaged")
    assert program("test") == 0
    assert names(run.test().path) == sorted([*FILES, "notes"])
    assert (run.test().path / "notes" / "cases.csv").read_text() == "mine"
    assert run.test().slices.read_text() != "damaged"


def test_whole_volumes_have_surfaces_and_lesions(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.eval_slices", "all") == 0
    assert program("test") == 0

    (run,) = find_runs(Path("runs"))
    content = json.loads(run.test().metrics.read_text("utf-8"))
    assert (content["run"], content["network"]) == (f"unet_t1c/{run.path.name}", "models.UNet")
    assert datetime.fromisoformat(content["date"]) <= datetime.now(UTC)
    assert content["program"].keys() == {"version", "git"}
    expected = {"cohorts": ["glioma"], "year": 2023, "tolerance_mm": 1.0}
    assert content["volume_settings"] == expected
    volumes = content["volumes"]["whole"]
    assert volumes["dice"]["value"] == pytest.approx(
        content["scores"]["whole"]["dice_case"]["value"]
    )
    assert volumes["lesion_dice"]["n"] == volumes["hd95"]["n"] == content["cases"]
    lesions = read_lesions(run.test())
    found, missed, invented = (
        sum(lesion.kind is kind for lesion in lesions) / content["cases"] for kind in LesionKind
    )
    counted = [volumes[f"lesions_{kind}"]["value"] for kind in LesionKind]
    assert counted == pytest.approx([found, missed, invented])
    assert "Lesions are those of BraTS 2023 for glioma" in capsys.readouterr().out


def test_a_part_without_the_slice_with_most_tumour_shows_the_best_it_has(
    program: Program,
) -> None:
    assert program("fit", "--data.eval_slices", "all") == 0
    assert program("test", "--data.batch_size", "1", "--trainer.limit_test_batches", "1") == 0
    (run,) = find_runs(Path("runs"))
    with np.load(run.test(partial=True).masks) as masks:
        assert len(masks["case"]) == 1


def test_slices_that_are_not_adjacent_are_no_volumes(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.eval_slices", "[1,3]") == 0
    assert program("test") == 0
    shown = capsys.readouterr().out
    assert "Test scores, of slices that are not adjacent" in shown
    assert program("report") == 0
    page = Path("runs/report/report.html").read_text("utf-8")
    assert "Cases whose slices are not adjacent have neither hd95" in page
    assert "Lesions are those of" not in page


def test_single_slices_have_no_lesions(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    assert program("test") == 0

    (run,) = find_runs(Path("runs"))
    volumes = json.loads(run.test().metrics.read_text("utf-8"))["volumes"]["whole"]
    assert volumes["lesion_dice"] == {"value": None, "low": None, "high": None, "n": 0}
    assert volumes["hd95"]["n"] > 0
    assert read_lesions(run.test()) == []
    shown = capsys.readouterr().out
    assert "case; their hd95 and nsd are in 2-D" in shown
    assert "lesion_dice" not in shown


def test_a_progress_bar_counts_the_cases_unless_progress_bars_are_off(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program("fit") == 0
    with monkeypatch.context() as terminal:
        terminal.setenv("FORCE_COLOR", "1")
        terminal.setenv("TERM", "xterm")
        assert program("test", "--trainer.enable_progress_bar", "true") == 0
    assert "Scoring cases" in capsys.readouterr().err
    assert program("test", "--trainer.enable_progress_bar", "true") == 0  # into a log file
    assert capsys.readouterr().err == ""
    assert program("test") == 0  # with the config of the run, which has them off
    assert "Scoring cases" not in capsys.readouterr().err


def test_a_score_that_is_infinite_is_one_line_and_exit_code_2(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = VolumeScore(
        name="broken", definition="", compute=lambda _: math.inf, higher_is_better=True
    )
    assert program("fit") == 0
    monkeypatch.setattr("lightning_app.metrics.case_tables.VOLUME_SCORES", (broken,))
    capsys.readouterr()
    assert program("test") == 2

    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert "score 'broken' of case BraTS-GLI-000" in error[0]
    (run,) = find_runs(Path("runs"))
    assert not run.test().metrics.exists()


def split_file(path: Path, **cases: list[str]) -> str:
    """Write a split: the numbers of cases, such as 00007-000, by split."""
    rows = [(f"BraTS-GLI-{case}", split) for split, names in cases.items() for case in names]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("case", "side"), *rows])
    return str(path)


def test_patients_of_training_and_validation_count_as_seen(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_dataset(tmp_path / "data", 9)
    write_case(root, "BraTS-GLI-00000-001")  # a second scan, in no split of the training
    trained_on = split_file(
        tmp_path / "before.csv",
        train=["00000-000", "00001-000", "00002-000"],
        val=["00003-000", "00004-000"],
        test=["00005-000", "00006-000", "00007-000"],
    )
    assert program("fit", "--data.root", str(root), "--data.split_file", trained_on) == 0

    # One seen in training (its other scan), two in validation, two tested before, one in no split.
    tested = ["00000-001", "00003-000", "00004-000", "00005-000", "00006-000", "00008-000"]
    others = {"train": ["00001-000"], "val": ["00002-000"]}
    after = split_file(tmp_path / "after.csv", **others, test=tested)
    capsys.readouterr()
    assert program("test", "--data.split_file", after) == 0

    (run,) = find_runs(Path("runs"))
    (folder,) = run.other_tests()
    metrics = json.loads(folder.metrics.read_text("utf-8"))
    assert (metrics["patients"], metrics["patients_trained_on"]) == (6, 3)
    assert "its best epoch chosen, on 3 of 6 patients" in capsys.readouterr().out
