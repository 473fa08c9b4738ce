"""The command and its folder, and the page as a parser and a script engine see it."""

import base64
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightning_app.cli import main
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.runs import read_runs
from lightning_app.results.example_slices import read_example_slices
from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun
from tests.helpers.runs.unfinished import unfinished_of_dead_process

# A case id that would be markup, and a formula that matplotlib cannot draw.
BAD = "<script>alert('x')</script>&\"$\\frac$-000"
CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8), BAD: (30, 30, 20)}
TABLES = (
    "table1", "table2", "scores", "volumes", "comparisons", "volume_comparisons", "tumour_size",
    "networks", "runs",
)  # fmt: skip
FIGURES = ("figure3_t2f", "training", "tumour_size", "patients_whole")


class Page(HTMLParser):
    """The elements of a page: tag, attributes, and the text within."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, attrs in self.elements if (value := attrs.get(name)) is not None]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks on one modality, reported."""
    root = tmp_path_factory.mktemp("reported") / "runs"
    ToyRun(CASES, network=UNET).write(root)
    ToyRun(CASES, network=ASPP).write(root)
    assert main(["report", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def page(runs: Path) -> str:
    return (runs / "report" / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def galleries(page: str) -> Any:
    stored = re.search(r'<script type="application/json" class="galleries">(.*?)</script>', page)
    assert stored is not None
    return json.loads(stored[1])


def test_every_table_and_figure_is_a_file(runs: Path) -> None:
    files = {path.name for path in (runs / "report").iterdir()}
    tables = {f"{name}.{ending}" for name in TABLES for ending in ("md", "csv", "tex")}
    figures = {f"{name}.{ending}" for name in FIGURES for ending in ("png", "pdf")}
    assert files == tables | figures | {"report.html"}


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    found = Page(page)
    sources = found.attributes("src")
    assert len(sources) == len(FIGURES)
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    links = found.attributes("href")
    assert links
    assert all(link.startswith("#") for link in links)
    anchors = found.attributes("id")
    assert {link[1:] for link in links} <= set(anchors)
    assert len(anchors) == len(set(anchors))
    assert "link" not in {tag for tag, _ in found.elements}
    assert "http" not in re.sub(r"http-equiv", "", page)


def test_the_page_begins_with_table_1_then_cases_then_figures(page: str) -> None:
    titles = re.findall(r"<h3[^>]*>(.*?)</h3>", page)
    assert titles[:4] == [
        "Table 1: scores on the test split", "Case browser",
        "Figure 3, FLAIR: image, ground truth and the networks&#39; masks",
        "Training: validation Dice",
    ]  # fmt: skip
    rest = ["Table 2: times", "All scores", "Data", "Methods, to copy into a paper"]
    places = [titles.index(title) for title in rest]
    assert places == sorted(places)
    assert places[0] == 2 + len(FIGURES)


@pytest.mark.parametrize("table", TABLES)
def test_every_file_of_a_table_names_its_data_and_its_warnings(table: str, runs: Path) -> None:
    data = "Data: synthetic phantom; tested: 3 cases of 3 patients, 3 slices; split split-a."
    warning = "With a single seed the results are about these weights, not about the architecture"
    lines = (runs / "report" / f"{table}.md").read_text("utf-8").splitlines()
    assert lines[2].startswith(data)
    assert sum(warning in line for line in lines) == 1
    latex = (runs / "report" / f"{table}.tex").read_text("utf-8")
    assert latex.splitlines()[1] == f"% {data}"
    (caption,) = re.findall(r"\\caption\{(.*)\}", latex)
    assert data in caption
    assert latex.count(warning) == 1
    with (runs / "report" / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["data"] for row in rows} <= {"phantom"}
    assert all(warning in row["warnings"] for row in rows)
    assert rows


def test_the_page_says_what_it_must(page: str) -> None:
    text = Page(page).text
    for words in (
        "Synthetic phantom.", "print-t2f", "split-a",
        "weights, not about the architecture", "(predicting nothing)", "66.3 (FLAIR)",
        "2,000", "not tested",
    ):  # fmt: skip
        assert words in text, words
    for score in (*SCORES, *VOLUME_SCORES):
        unit = f", in {score.unit}" if score.unit else ""
        summary = f" ({score.summary})" if score.summary else ""
        assert f"{score.name}{summary}{score.better}{score.definition}{unit}" in text


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("scores", "A case is one scan, and scores per case are about its tested slices: by "),
        ("volumes", "the volume of a case, which is one scan, is that of its tested slices"),
        ("tumour_size", "pixels of the class in the tested slices of the case, by default the mid"),
    ],
)
def test_the_page_and_the_tables_say_what_a_case_is(
    table: str, sentence: str, runs: Path, page: str
) -> None:
    assert Page(page).text.count(sentence) == 1
    assert sentence in (runs / "report" / f"{table}.md").read_text("utf-8")


def test_the_page_has_a_warning_once_and_each_table_refers_to_it(page: str) -> None:
    warning = "With a single seed the results are about these weights, not about the architecture"
    (listed,) = re.findall(r'<section id="read-first">.*?</section>', page, re.DOTALL)
    assert warning in listed
    assert page.count(warning) == 1
    notes = re.findall(r'<ul class="notes">.*?</ul>', page, re.DOTALL)
    assert len(notes) == len(TABLES)
    assert all('<a href="#read-first">' in of_table for of_table in notes)


def test_what_came_from_a_file_is_never_markup(page: str, galleries: Any) -> None:
    assert "<script>alert" not in page
    assert [case["case"] for case in galleries[0]["cases"]] == list(CASES)


def test_the_browser_has_the_masks_bit_by_bit(runs: Path, galleries: Any) -> None:
    def pixels(url: str) -> Any:
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))

    tested = next(run for run in read_runs(runs)[0] if run.network == ASPP)
    masks = read_example_slices(tested.run.test())
    (gallery,) = galleries
    assert gallery["networks"] == ["UNet", "Attention UNet + ASPP"]
    assert {case["case"] for case in gallery["cases"]} == CASES.keys()
    for place, case in enumerate(gallery["cases"]):
        assert (pixels(case["truth"][0]) == masks.reference[place, 0]).all()
        assert (pixels(case["masks"][1][0]) == masks.prediction[place, 0]).all()
        assert pixels(case["image"]).shape == (16, 16)
        true, predicted, both = CASES[case["case"]]
        assert case["pixels"] == [true]
        assert case["dice"][1][0] == pytest.approx(2 * both / (true + predicted), abs=1e-4)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_is_sound(page: str, tmp_path: Path) -> None:
    script = tmp_path / "page.js"
    script.write_text(page.rpartition("<script>")[2].partition("</script>")[0], "utf-8")
    subprocess.run(["node", "--check", str(script)], check=True)
    # Sorting: numbers as numbers, words as words with their numbers in order.
    trial = "['10', 9, 'b2', 'b10', 8.5].sort(order)"
    check = f"{script.read_text('utf-8').partition('document.')[0]}; console.log({trial}.join())"
    done = subprocess.run(["node", "-e", check], capture_output=True, text=True, check=True)
    assert done.stdout == "8.5,9,10,b2,b10\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    ToyRun(CASES).write(tmp_path / "runs")
    yield tmp_path / "runs"
    assert not list(tmp_path.rglob(".*.part"))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take seconds."""
    monkeypatch.setattr("lightning_app.report.write.all_drawings", lambda *_: [])


@pytest.mark.usefixtures("undrawn")
def test_a_second_report_replaces_the_first(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = fresh.parent / "out"
    assert main(["report", str(fresh), "--output", str(output)]) == 0
    assert capsys.readouterr().out == (
        f"1 run, 0 left out\nReport: {output}/report.html\n"
        f"Open it: python -m webbrowser file://{output}/report.html\n"
    )
    stale = output / "group-2" / "figure3_t9.png"
    stale.parent.mkdir()
    stale.touch()
    bad = ToyRun(CASES, network=ASPP).write(fresh)
    bad.status.write_text("{")
    assert main(["report", str(fresh), "--output", str(output)]) == 0
    assert "status is unknown" in capsys.readouterr().out
    assert not stale.parent.exists()
    assert "status is unknown" in (output / "report.html").read_text("utf-8")


@pytest.mark.usefixtures("undrawn")
def test_each_group_has_its_own_folder(fresh: Path) -> None:
    ToyRun(CASES, modality="t1c", data={"split": "other", "kind": "files"}).write(fresh)
    assert main(["report", str(fresh)]) == 0
    report = fresh / "report"
    assert (report / "table1.csv").is_file()
    assert (report / "group-2" / "table1.csv").is_file()
    text = Page((report / "report.html").read_text("utf-8")).text
    (synthetic,) = re.findall(
        r"In (Group \d: Synthetic phantom.*?): the patients are synthetic", text
    )
    assert f"{synthetic}\n" in text
    assert re.search(r"Group \d: Files, target whole", text)
    assert "nothing is compared between groups" in text


@pytest.mark.usefixtures("undrawn")
def test_a_failure_leaves_the_earlier_report(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(fresh)]) == 0
    before = (fresh / "report" / "report.html").read_bytes()

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lightning_app.report.write.render", full)
    assert main(["report", str(fresh)]) == 2
    page = fresh / "report" / "report.html"
    assert capsys.readouterr().err == f"error: [Errno 28] No space left on device: '{page}'\n"
    assert (fresh / "report" / "report.html").read_bytes() == before


def test_a_folder_of_something_else_is_not_replaced(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for output in (fresh, fresh.parent):
        assert main(["report", str(fresh), "--output", str(output)]) == 2
        assert "holds no earlier report" in capsys.readouterr().err
    assert len(list(fresh.rglob("config.yaml"))) == 1


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["notes.md", "group-2/draft.tex", "group-2/deeper/table1.csv"])
def test_a_report_in_which_somebody_else_has_put_a_file_is_not_replaced(
    name: str, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(fresh)]) == 0
    file = fresh / "report" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")

    assert main(["report", str(fresh)]) == 2

    expected = name.removesuffix("/table1.csv")
    assert f"holds {expected}, which no report wrote" in capsys.readouterr().err
    assert file.read_text() == "mine"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("names", "said"), [("b", "holds b,"), ("cba", "holds a and 2 more,")])
def test_of_many_files_of_somebody_else_one_is_named(
    names: str, said: str, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(fresh)]) == 0
    for name in names:
        (fresh / "report" / name).touch()

    assert main(["report", str(fresh)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_what_a_killed_report_left_is_removed(fresh: Path) -> None:
    left = unfinished_of_dead_process(fresh / "report")
    (left / "group-2").mkdir(parents=True)

    assert main(["report", str(fresh), "--output", str(fresh / "report")]) == 0
    assert not left.exists()


def test_a_test_without_all_its_files_is_left_out_with_what_to_do(tmp_path: Path) -> None:
    run: Run = ToyRun(CASES).write(tmp_path)
    run.test().slices.unlink()

    _, left_out = read_runs(tmp_path)

    (left,) = left_out
    assert left.reason == f"its test did not write all files: python main.py test --run {run.path}"


def test_a_run_can_neither_control_the_terminal_nor_write_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "a" / "b" / "runs"
    ToyRun(CASES).write(root)
    odd = ToyRun(CASES, network=ASPP).write(root)
    odd.path.parent.rename(root / "odd\x1b[2J\udcff")
    hostile = ToyRun(CASES, modality="t1c", name="20260101-000000-cccccc").write(root)
    config = hostile.config.read_text("utf-8")
    hostile.config.write_text(config.replace("- t1c", "- t1c/../../.."), "utf-8")

    assert main(["report", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines)
    assert "data.modalities is 't1c/../../..', expected names such as t1c" in lines[1]
    assert "odd\\x1b[2J\\udcff/2026" in (root / "report" / "runs.csv").read_text("utf-8")
    assert {path.parent for path in tmp_path.rglob("*.pdf")} == {root / "report"}


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def says(words: str) -> None:
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert words in error

    assert main(["report", str(tmp_path / "none")]) == 2
    says("does not exist")
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / "empty")]) == 2
    says("no finished and tested run below")
    run: Run = ToyRun(CASES, status="failed").write(tmp_path / "bad")
    assert main(["report", str(tmp_path / "bad")]) == 2
    says(f"{run.experiment}/{run.path.name}: not finished: its status is failed")
    with pytest.raises(SystemExit) as end:
        main(["report", "--outptu", "x"])
    assert end.value.code == 2
    says("--outptu")


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_earlier_report_and_nothing_else(
    number: signal.Signals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ToyRun(CASES).write(tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    before = (tmp_path / "report" / "report.html").read_bytes()
    names = sorted(path.name for path in tmp_path.iterdir())

    monkeypatch.setattr(
        "lightning_app.report.write.render", lambda *_: os.kill(os.getpid(), number)
    )
    assert main(["report", str(tmp_path)]) == 128 + number
    assert "an earlier report is unchanged" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert (tmp_path / "report" / "report.html").read_bytes() == before
