"""The folder of an evaluation, written at once or not at all."""

import os
import signal
from pathlib import Path

import pytest

from lightning_app.evaluation.case_job import CaseJob
from tests.helpers.masks import evaluate, rows_of, tumour, write_masks

FILES = {"scores.json", "cases.csv", "lesions.csv", "report.html"}


def test_settings_say_what_was_evaluated(masks: Path, truth: Path, output: Path) -> None:
    _, scores, _ = evaluate(masks, truth, output, "--cohort", "metastases", "--tolerance", "2")

    settings = scores["settings"]
    cohort = {"name": "metastases", "year": 2023, "dilations": 1, "smallest_mm3": 2}
    assert settings["cohort"] == cohort
    assert settings["input"] == str(masks)
    assert settings["reference"] == str(truth)
    assert (settings["tolerance_mm"], settings["cases"], settings["patients"]) == (2, 2, 2)
    assert settings["values"] == "brats2023"


def test_an_earlier_evaluation_is_replaced_and_nothing_else(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(masks, truth, output, "--against", str(truth))[0] == 0
    assert evaluate(masks, truth, output)[0] == 0
    assert {path.name for path in output.iterdir()} == FILES
    (output / "notes.txt").write_text("mine")
    assert evaluate(masks, truth, output)[0] == 2
    assert "notes.txt, which no evaluation wrote" in capsys.readouterr().err
    assert evaluate(masks, truth, masks)[0] == 2
    assert (masks / "A.nii.gz").exists()


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(
    number: signal.Signals,
    masks: Path,
    truth: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(CaseJob, "__call__", lambda _: os.kill(os.getpid(), number))
    before = set(output.parent.rglob("*"))
    assert evaluate(masks, truth, output)[0] == 128 + number
    assert set(output.parent.rglob("*")) == before
    assert "nothing was written" in capsys.readouterr().err


def test_worker_processes_give_the_same_files(
    masks: Path, truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(masks, truth, tmp_path / "one")
    monkeypatch.setattr("lightning_app.evaluation.plan.cores", lambda: 2)
    evaluate(masks, truth, tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_names_are_harmless_on_the_page_and_in_tables(tmp_path: Path, output: Path) -> None:
    case = "=<script>1<"
    truth = write_masks(tmp_path / "truth", {case: tumour()})
    assert evaluate(truth, truth, output)[0] == 0
    page = (output / "report.html").read_text("utf-8")
    assert "=&lt;script&gt;1&lt;" in page
    assert case not in page
    assert rows_of(output / "cases.csv")[0]["case"] == f"'{case}"
