"""The runs' root and the experiment are read before the options are parsed."""

from pathlib import Path

import pytest

from lightning_app.commands.shared.run_selection import select_run
from lightning_app.runs.folder import Run
from lightning_app.utils.errors import UsageError
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


def test_a_name_is_that_of_the_experiment() -> None:
    assert select_run("fit", ["-c", "a.yaml", "--name", "slow"]).run.path.parent.name == "slow"
    assert select_run("fit", ["--name=slow"]).run.experiment == "slow"


@pytest.mark.parametrize(
    "name",
    [".", "..", "../up", "a/b", "a\\b", "C:x", "-x", ".hidden", "x" * 101, "a\nb", "report",
     "comparison", "ensembles", "20260101-000000-aaaaaa"],
)  # fmt: skip
def test_a_name_that_no_folder_of_runs_can_have_is_refused(
    name: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", f"--name={name}") == 2
    error = capsys.readouterr().err
    assert "expected a name for a folder of runs" in error
    assert error.count("\n") == 1
    assert not Path("runs").exists()


def test_a_resumed_run_keeps_its_name() -> None:
    unfinished = write_unfinished(Path("runs"))
    assert select_run("fit", ["--resume", "--name", "unet_t1c"]).run == unfinished
    with pytest.raises(UsageError, match="no unfinished run of experiment 'other'"):
        select_run("fit", ["--resume", "--name", "other"])
    with pytest.raises(UsageError, match="which keeps its name: leave out --name"):
        select_run("fit", ["--resume", str(unfinished.path), "--name", "other"])


def write_unfinished(root: Path) -> Run:
    run = Run((root / "unet_t1c" / "20260101-000000-aaaaaa").absolute())
    run.path.mkdir(parents=True)
    run.config.write_text("seed_everything: 0", "utf-8")
    run.status.write_text('{"status": "interrupted"}', "utf-8")
    return run


@pytest.mark.parametrize("command", ["validate", "predict"])
def test_validate_and_predict_take_no_name(command: str) -> None:
    with pytest.raises(UsageError, match="--name is an option of fit"):
        select_run(command, ["--name", "x"])


def test_a_run_that_is_not_what_it_is_named_after_says_so(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ["--model.network", "models.AttentionUNet", "--data.target", "core"]
    assert program("fit", *other) == 0
    line = (
        "The run is named after unet_t1c, but data.target is core, not whole and model.network is "
        "models.AttentionUNet, not models.UNet: --name NAME gives it another name\n"
    )
    assert line in capsys.readouterr().out

    assert program("fit", *other, "--name", "attention_core") == 0
    assert "is named after" not in capsys.readouterr().out
    (named,) = Path("runs/attention_core").iterdir()
    assert "\nname:" not in (named / "config.yaml").read_text("utf-8")


def test_a_run_that_is_what_it_is_named_after_says_nothing(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--optimizer.init_args.lr", "0.1") == 0
    assert "is named after" not in capsys.readouterr().out
    Path("named.yaml").write_text("name: other", "utf-8")
    assert program("fit", "--config", "named.yaml") == 2
    assert "error: name is 'other' in a config: give it as --name\n" in capsys.readouterr().err
