"""The documents keep what they promise."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import evaluate
from lightning_app.metrics.intervals import Ratio, score_interval
from lightning_app.metrics.score import Score
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from tests.helpers.paths import ROOT
from tests.helpers.runs.toy_runs import ToyRun

DOCS = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *DOCS, *sorted((ROOT / "benchmarks").glob("*.md"))]

OWN_SCORES = [
    *(s for s in SCORES if s.terms.__module__ == "lightning_app.metrics.count_scores"),
    *(s for s in VOLUME_SCORES if s.compute.__module__ == "lightning_app.metrics.volume_scores"),
]

# tp, fp, fn and tn of slices of 100 pixels; the cases are a, a, a, b, c, d and e.
COUNTS = [
    (6, 2, 4, 88), (2, 0, 6, 92), (0, 0, 0, 100),
    (0, 3, 0, 97), (20, 10, 0, 70), (0, 0, 0, 100), (0, 0, 9, 91),
]  # fmt: skip
# Worked out by hand from the words of each definition.
VALUES = {
    "pooled over all pixels: 2 tp / (2 tp + fp + fn)": 2 * 28 / (2 * 28 + 15 + 19),
    "pooled: tp / (tp + fp + fn)": 28 / (28 + 15 + 19),
    "mean IoU of the slices with the class in ground truth or prediction":
        (6 / 12 + 2 / 8 + 0 + 20 / 30 + 0) / 5,
    "pooled share of right pixels": (28 + 638) / 700,
    "pooled: tp / (tp + fp)": 28 / (28 + 15),
    "pooled: tp / (tp + fn)": 28 / (28 + 19),
    "pooled: tn / (tn + fp)": 638 / (638 + 15),
    "mean Dice of the cases; 1 if ground truth and prediction are empty":
        (16 / 28 + 0 + 40 / 50 + 1 + 0) / 5,
    "mean Dice of the cases with the class in the ground truth": (16 / 28 + 40 / 50 + 0) / 3,
    "share of the slices without the class that are predicted empty": 2 / 3,
    "mean Dice of the slices with the class in ground truth or prediction":
        (12 / 18 + 4 / 10 + 0 + 40 / 50 + 0) / 5,
    "mean IoU of all slices; 0 if ground truth and prediction are empty":
        (6 / 12 + 2 / 8 + 0 + 0 + 20 / 30 + 0 + 0) / 7,
    "mean IoU of all slices; 1 if ground truth and prediction are empty":
        (6 / 12 + 2 / 8 + 1 + 0 + 20 / 30 + 1 + 0) / 7,
}  # fmt: skip


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def anchors_of(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in anchors_of(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8"))
    inner = [link for link in links if not link.startswith("http")]
    assert [link for link in inner if not leads_somewhere(document, link)] == []


def test_the_index_lists_every_page_of_the_docs() -> None:
    index = ROOT / "docs" / "README.md"
    links = re.findall(r"\]\(([^)#]+)", index.read_text("utf-8"))
    listed = {(index.parent / link).resolve() for link in links}
    assert [page for page in index.parent.glob("*.md") if page not in listed | {index}] == []


def test_the_citation_has_the_version_and_names_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    (paper,) = citation["references"]
    assert f'"{paper["title"]}"' in (ROOT / "docs" / "paper.md").read_text("utf-8")
    names = " and ".join(author["family-names"] for author in paper["authors"])
    assert f"The paper is {names}, " in (ROOT / "docs" / "paper.md").read_text("utf-8")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_config_that_is_named_in_a_command_is_there(document: Path) -> None:
    text = document.read_text("utf-8")
    named = {*re.findall(r"--config (\w+\.yaml)", text)}
    missing = {name for name in named if not list((ROOT / "configs").rglob(name))}
    explained = {*re.findall(r"^[^`\n]*`[\w/]*?(\w+\.yaml)`:$", text, re.MULTILINE)}
    assert missing <= explained  # the reader is told to write them


def rows_of(section: str) -> dict[str, str]:
    """The definitions in a section of docs/scores.md, by score."""
    _, _, text = (ROOT / "docs" / "scores.md").read_text("utf-8").partition(f"## {section}\n")
    table, _, _ = text.partition("| score | definition |")[2].partition("\n\n")
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))


@pytest.mark.parametrize(
    ("section", "scores"), [("Scores of pixels", SCORES), ("Scores of volumes", VOLUME_SCORES)]
)
def test_the_docs_have_a_row_for_every_score_with_its_definition(
    section: str, scores: Sequence[Score]
) -> None:
    own = [score for score in scores if score in OWN_SCORES]
    rows = rows_of(section)

    assert list(rows) == [score.name for score in own]
    # More may follow, after a comma, semicolon or full stop.
    others = [
        score.name
        for score in own
        if not re.match(rf"{re.escape(score.definition)}(?=[,;.]|$)", rows[score.name])
    ]
    assert others == []


def test_a_definition_of_a_score_of_pixels_says_what_is_computed() -> None:
    """Those of volumes are in tests/lightning_app/metrics/test_volume_scores.py."""
    cases = ["a", "a", "a", "b", "c", "d", "e"]
    counts = CountTable(("whole",), cases, cases, range(7), np.array(COUNTS)[:, None])
    computed = evaluate(counts)["whole"]
    by_hand = {score.name: VALUES[score.definition] for score in SCORES if score in OWN_SCORES}
    assert len(set(by_hand.values())) == len(by_hand)
    assert {name: computed[name] for name in by_hand} == pytest.approx(by_hand)


def test_the_code_that_reads_masks_npz_reads_what_a_test_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ToyRun({"A-000": (10, 20, 5), "B-000": (8, 0, 0)}).write(tmp_path)
    text = (ROOT / "docs" / "scores.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    code = re.sub(r'"runs/[^"]*masks.npz"', repr(str(run.test().masks)), code)
    exec(code, {})  # noqa: S102 (our own document)
    assert capsys.readouterr().out == "A-000 7 [20]\nB-000 7 [0]\n"


def test_the_example_of_an_interval_gives_that_of_the_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 (our own document)
    printed = capsys.readouterr().out.strip()
    assert f"`{printed}`" in text

    dice = names["dice"]
    low, high = score_interval([Ratio(dice, np.ones(len(dice)))], averaged=True) or (0, 0)
    assert printed == f"{dice.mean():.4f} [{low:.4f}, {high:.4f}]"
