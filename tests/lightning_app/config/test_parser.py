"""Configs in folders with odd names, and in other encodings."""

import glob
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lightning_app.config.parser import default_configs
from lightning_app.runs.folder import find_runs
from lightning_app.utils.errors import UsageError
from tests.conftest import Program


@pytest.mark.parametrize("name", ["re[po]", "*", "a?b", "[!x]", "~"])
def test_the_name_of_a_folder_is_no_pattern(name: str, tmp_path: Path) -> None:
    config = tmp_path / name / "base.yaml"
    for folder in (name, "rep", "acb", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "base.yaml").write_text("seed_everything: 1", "utf-8")

    (pattern,) = default_configs([config])
    assert glob.glob(pattern) == [str(config)]  # noqa: PTH207 (as jsonargparse does)


def test_a_default_config_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.yaml' cannot be read: No such file"):
        default_configs([tmp_path / "gone.yaml"])


def test_a_run_in_a_folder_with_brackets_keeps_its_own_config(program: Program) -> None:
    root = ["--trainer.default_root_dir", "runs[1]"]
    assert program("fit", *root) == 0
    (run,) = find_runs(Path("runs[1]"))
    neighbour = Path("runs1") / run.experiment / run.path.name / "config.yaml"
    neighbour.parent.mkdir(parents=True)
    config = yaml.safe_load(run.config.read_text("utf-8"))
    config["data"]["split_seed"] = 7
    neighbour.write_text(yaml.safe_dump(config), "utf-8")

    assert program("test", *root) == 0
    assert run.test().metrics.is_file()
    assert run.other_tests() == []


BAD: dict[str, Callable[[Path], object]] = {
    "is not in UTF-8": lambda path: path.write_text("data: {batch_size: 2}", "utf-16"),
    "not a regular file": os.mkfifo,
    "is nested more than 50 levels deep": lambda path: path.write_text("[" * 5000, "utf-8"),
    "is not valid YAML": lambda path: path.write_text("data: {root: 2026-13-45}", "utf-8"),
}


@pytest.mark.parametrize("words", BAD)
def test_a_config_that_cannot_be_read_is_named(
    words: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD[words](Path("mine.yaml"))
    with pytest.raises(SystemExit) as end:
        program("fit", "--config", "mine.yaml")

    error = capsys.readouterr().err
    assert end.value.code == 2
    assert error.count("\n") == 1
    assert "'mine.yaml'" in error
    assert words in error


@pytest.mark.parametrize("name", ["~.yaml", "file:mine.yaml", "a b: #c.yaml", "é$x$.yaml"])
def test_a_config_may_have_any_name_and_be_written_by_any_editor(
    name: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_bytes(b"\xef\xbb\xbfdata:\r\n  batch_size: 0")
    assert program("fit", "--config", name) == 2
    assert "data.batch_size is 0" in capsys.readouterr().err
