"""The section of a report about tests on other data."""

import csv
import re
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.report import write
from tests.helpers.runs.external_tests import add_external_test
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, rate, twelve_cases
from tests.lightning_app.report.test_write import Page

OWN = {"A-000": (10, 10, 5), "B-000": (8, 8, 8)}
TABLES = ("own_and_external", "scores", "volumes", "comparisons", "volume_comparisons")


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures, which take seconds."""
    monkeypatch.setattr(write, "all_drawings", lambda *_: [])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two networks, one of them much better on other data; a patient of theirs was seen by it."""
    root = tmp_path / "runs"
    for network, common, seen in ((UNET, 10, 0), (ASPP, 30, 1)):
        run = ToyRun(OWN, network=network).write(root)
        cases = twelve_cases([common + i % 5 for i in range(12)])
        add_external_test(run, cases, patients_trained_on=seen)
    return root


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_data_set_has_its_tables(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(runs)]) == 0

    assert "Tests on other data: 2" in capsys.readouterr().out
    files = {path.name for path in (runs / "report" / "external-1").iterdir()}
    assert files == {f"{name}.{ending}" for name in TABLES for ending in ("md", "csv", "tex")}
    assert not (runs / "report" / "external-2").exists()
    # A report is replaced by the next one, external folders included.
    assert main(["report", str(runs)]) == 0


def test_scores_are_those_of_the_other_data_beside_those_of_the_own(runs: Path) -> None:
    assert main(["report", str(runs)]) == 0
    folder = runs / "report" / "external-1"

    unet, aspp = rows_of(folder / "scores.csv")
    # 12 cases with 40 true and 40 predicted pixels each, of which 10 to 14, or 30 to 34, in both.
    common = sum(i % 5 for i in range(12)) / 12
    assert float(unet["dice"]) == pytest.approx((10 + common) / 40)
    assert float(aspp["dice"]) == pytest.approx((30 + common) / 40)
    beside, _ = rows_of(folder / "own_and_external.csv")
    assert float(beside["dice_own"]) == pytest.approx(2 * 13 / 36)
    assert float(beside["dice_external"]) == pytest.approx((10 + common) / 40)
    assert (beside["own_patients"], beside["external_patients"]) == ("2", "12")


def test_a_row_has_the_settings_that_tell_its_run_from_all_runs_of_the_report(
    tmp_path: Path,
) -> None:
    for number, lr in enumerate((0.001, 0.0005)):
        run = ToyRun(OWN, settings=rate(lr), name=f"20260101-00000{number}-aaaaaa").write(tmp_path)
    add_external_test(run, twelve_cases(range(12)))
    assert main(["report", str(tmp_path)]) == 0

    folder = tmp_path / "report" / "external-1"
    for table in ("own_and_external", "scores", "volumes"):
        assert [row["settings"] for row in rows_of(folder / f"{table}.csv")] == ["lr 0.0005"]
    assert {path.stem for path in folder.iterdir()} == {"own_and_external", "scores", "volumes"}


def test_labels_in_latex_are_unique(runs: Path) -> None:
    ToyRun(OWN, data={"split": "another"}, name="20260101-000000-bbbbbb").write(runs)
    assert main(["report", str(runs)]) == 0

    texts = [path.read_text("utf-8") for path in (runs / "report").rglob("*.tex")]
    labels = [label for text in texts for label in re.findall(r"\\label\{(.+)\}", text)]
    assert len(labels) == len(set(labels)) == len(texts)
    assert {"tab:scores", "tab:group-2-scores", "tab:external-1-scores"} < set(labels)


def test_networks_are_compared_on_the_other_data(runs: Path) -> None:
    assert main(["report", str(runs)]) == 0

    (own,) = rows_of(runs / "report" / "comparisons.csv")
    (external,) = rows_of(runs / "report" / "external-1" / "comparisons.csv")
    assert own["verdict"] == "not tested"
    assert (external["patients"], external["differing"]) == ("12", "12")
    assert float(external["difference"]) == pytest.approx(-20 / 40)
    assert external["verdict"] == "these Attention UNet + ASPP weights are better at overlap"


def test_the_page_has_a_section_of_external_tests(runs: Path) -> None:
    assert main(["report", str(runs)]) == 0
    page = Page((runs / "report" / "report.html").read_text("utf-8"))

    anchors = page.attributes("id")
    assert "external" in anchors
    assert len(anchors) == len(set(anchors))
    assert {link[1:] for link in page.attributes("href")} <= set(anchors)
    for words in (
        "External data set 1: hospital", "12 cases of 12 patients, 12 slices (middle)",
        "Own test split and external data: hospital", "Paired comparisons of networks: hospital",
        "External data set 1 (hospital): AttentionUNetASPP_t2f/20260101-000000-aaaaaa was ",
        "or its best epoch chosen, on 1 of the tested patients: its scores are optimistic.",
    ):  # fmt: skip
        assert words in page.text, words


def test_a_report_without_tests_on_other_data_has_no_such_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ToyRun(OWN).write(tmp_path)
    assert main(["report", str(tmp_path)]) == 0

    assert "other data" not in capsys.readouterr().out
    assert "External" not in (tmp_path / "report" / "report.html").read_text("utf-8")


def test_runs_that_were_tested_on_other_data_alone_are_reported(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for metrics in runs.rglob("test/metrics.json"):
        metrics.unlink()

    assert main(["report", str(runs)]) == 0

    output = capsys.readouterr().out
    assert "0 runs, 2 left out" in output
    assert "not tested: python main.py test" in output
    unet, _ = rows_of(runs / "report" / "external-1" / "own_and_external.csv")
    assert unet["dice_own"] == ""
    assert unet["dice_external"]


def test_a_run_repeated_in_both_is_left_out_once(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = ToyRun(OWN, network=UNET, name="20250101-000000-aaaaaa").write(runs)
    add_external_test(older, twelve_cases(range(12)))

    assert main(["report", str(runs)]) == 0

    assert capsys.readouterr().out.count("UNet_t2f/20250101-000000-aaaaaa") == 1
