"""CONTRIBUTING.md, followed to the letter in a copy of the program."""

import csv
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.helpers.paths import ROOT
from tests.helpers.toy import toy_config

PACKAGES = ("models", "data_modules", "callbacks", "lightning_app", "configs")
SECTIONS = (
    "A network", "A loss", "A score from pixel counts", "A score of volumes", "An augmentation"
)  # fmt: skip
BLOCK = r"\n\n```\w+\n(?P<content>.*?)```"
NEW_FILE = re.compile(r"The \w+, `(?P<path>[^`]+)`:" + BLOCK, re.S)
AT_THE_END = re.compile(r"at the end of `(?P<path>[^`]+)`:" + BLOCK, re.S)
IMPORT = re.compile(r"In `(?P<path>[^`]+)`, the import line" + BLOCK, re.S)
ELEMENT = re.compile(r"and `(?P<element>\w+)` as the last element of `(?P<name>\w+)`")


@dataclass
class Followed:
    """What a section did to the copy: new files, and lines changed in files that were there."""

    section: str
    new: list[Path] = field(default_factory=list)
    changed_lines: int = 0


def section_text(name: str) -> str:
    sections = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("\n## ")
    (text,) = [text for text in sections if text.startswith(f"{name}\n")]
    return text


def follow(name: str, copy: Path) -> Followed:
    text, followed = section_text(name), Followed(name)
    for match in NEW_FILE.finditer(text):
        path = copy / match["path"]
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(match["content"], "utf-8")
        followed.new.append(path)
    for line in AT_THE_END.finditer(text):
        edit(copy / line["path"], partial(insert_at_end, line), followed)
    for line, element in zip(IMPORT.finditer(text), ELEMENT.finditer(text), strict=True):
        edit(copy / line["path"], partial(insert, line, element), followed)
    return followed


def insert_at_end(line: re.Match[str], source: str) -> str:
    return source + line["content"]


def insert(line: re.Match[str], element: re.Match[str], source: str) -> str:
    """The source with a further import and a further element of a tuple."""
    *_, last_import = re.findall(r"^from .*\n", source, re.M)
    source = source.replace(last_import, last_import + line["content"])
    head, name, rest = source.partition(f"{element['name']}: ")
    body, end, tail = rest.partition("\n)\n")
    return f"{head}{name}{body}\n    {element['element']},{end}{tail}"


def edit(path: Path, change: Callable[[str], str], followed: Followed) -> None:
    before = path.read_text("utf-8")
    after = change(before)
    path.write_text(after, "utf-8")
    difference = difflib.ndiff(before.splitlines(), after.splitlines())
    followed.changed_lines += sum(line.startswith(("+ ", "- ")) for line in difference)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("contributing") / "program"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignored)
    markers = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("__init__.py")]
    for file in (Path("main.py"), Path("pyproject.toml"), *markers):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def followed(copy: Path) -> list[Followed]:
    return [follow(section, copy) for section in SECTIONS]


def run(*command: str, copy: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_section_changes_at_most_two_lines_of_existing_files(followed: list[Followed]) -> None:
    changed = {one.section: one.changed_lines for one in followed}
    assert changed == {
        "A network": 1, "A loss": 0, "A score from pixel counts": 2, "A score of volumes": 2,
        "An augmentation": 0,
    }  # fmt: skip


def test_its_code_is_clean_and_its_tests_pass(copy: Path, followed: list[Followed]) -> None:
    python = [str(path) for one in followed for path in one.new if path.suffix == ".py"]
    tests = [path for path in python if "/tests/" in path]
    assert len(tests) == len(SECTIONS)
    run("-m", "ruff", "check", "--fix", "--select", "I", "lightning_app", copy=copy)  # make format
    for tool in (["ruff", "check"], ["ruff", "format", "--check"]):
        run("-m", *tool, *python, "lightning_app", "models", copy=copy)
    run("-m", "pytest", "-q", *tests, copy=copy)


def test_everything_added_goes_through_fit_test_reproduce_and_report(
    copy: Path, followed: list[Followed], toy_root: Path
) -> None:
    toy = toy_config(toy_root)
    del toy["model"]
    toy["trainer"]["logger"] = False
    (copy / "toy.yaml").write_text(yaml.safe_dump(toy), "utf-8")
    overlays = ["--config", "focal.yaml", "--config", "contrast.yaml", "--config", "toy.yaml"]
    for section in ("A network", "A loss", "An augmentation"):
        assert re.search(r"Then `python main\.py fit --config [^`]+`", section_text(section))

    run("main.py", "fit", "--config", "shallow_t2f.yaml", *overlays, copy=copy)
    run("main.py", "test", copy=copy)
    out = run("main.py", "reproduce", "--experiment", "shallow_t2f", *overlays, copy=copy)
    assert "Finished and tested" in out

    (test,) = (copy / "runs" / "shallow_t2f").glob("*/test")
    metrics = json.loads((test / "metrics.json").read_text("utf-8"))
    assert metrics["scores"]["whole"]["false_discovery_rate"].keys() == {"value", "low", "high"}
    assert "centroid_distance" in metrics["volumes"]["whole"]
    with (test / "volumes.csv").open(encoding="utf-8") as file:
        assert "centroid_distance" in (csv.DictReader(file).fieldnames or ())
    config = yaml.safe_load((test.parent / "config.yaml").read_text("utf-8"))
    assert config["model"]["loss"]["class_path"] == "lightning_app.focal_loss.FocalLoss"
    assert [one["class_path"] for one in config["data"]["augmentations"]] == [
        "data_modules.augmentation.contrast.Contrast"
    ]
    page = (copy / "runs" / "report" / "report.html").read_text("utf-8")
    for expected in ("Shallow", "false_discovery_rate", "centroid_distance (mm)"):
        assert expected in page, expected
