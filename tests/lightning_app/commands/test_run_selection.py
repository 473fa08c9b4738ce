"""The runs' root and the experiment are read before the options are parsed."""

from pathlib import Path

import pytest

from lightning_app.commands.shared.run_selection import select_run
from tests.conftest import Program


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("trainer: {default_root_dir: elsewhere}", "utf-8")


@pytest.mark.parametrize("option", ["-c=a.yaml", "-ca.yaml", "--config=a.yaml"])
def test_root_and_experiment_are_read_from_a_config(option: str) -> None:
    selection = select_run("fit", [option])
    assert selection.root == Path("elsewhere")
    assert selection.run.experiment == "a"
    assert selection.is_new


def test_the_root_that_is_typed_last_wins() -> None:
    flag = ["--trainer.default_root_dir", "here"]
    assert select_run("fit", ["-c", "a.yaml", *flag]).root == Path("here")
    assert select_run("fit", [*flag, "-c", "a.yaml"]).root == Path("elsewhere")


@pytest.mark.parametrize(
    "content", ["data: b.yaml", "trainer: [", "[1]", "trainer: 3", "a: &a [*a]"]
)
def test_a_config_without_a_root_leaves_the_default(content: str) -> None:
    Path("b.yaml").write_text(content, "utf-8")
    assert select_run("fit", ["-c", "b.yaml"]).root == Path("runs")


@pytest.mark.parametrize("form", [["--trainer", "{default_root_dir: x}"], ["-c", "dotted.yaml"]])
def test_a_root_in_another_form_is_refused(
    form: list[str], program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("dotted.yaml").write_text("trainer.default_root_dir: x", "utf-8")
    assert program("fit", *form) == 2
    assert "trainer.default_root_dir is 'x', but the runs are in 'runs'" in capsys.readouterr().err
    assert not Path("x").exists()
