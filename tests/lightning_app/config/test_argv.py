"""What is read from the command line ahead of the parser, in every form that it may be typed in."""

from pathlib import Path

import pytest
import yaml

from lightning_app.commands.shared.run_selection import select_run
from lightning_app.config.argv import typed_options
from tests.conftest import Program

WANTED = {"data.seed", "trainer.default_root_dir"}

FORMS = {
    "a flag": ["--data.seed", "3"],
    "a flag with =": ["--data.seed=3"],
    "a mapping": ["--data", "{seed: 3}"],
    "a mapping with =": ['--data={"seed": 3}'],
    "a file of a part": ["--data", "data.yaml"],
    "a file of a part with =": ["--data=data.yaml"],
    "a config": ["--config", "seed.yaml"],
    "a config with =": ["--config=seed.yaml"],
    "a short config": ["-c", "seed.yaml"],
    "a short config with =": ["-c=seed.yaml"],
    "a short config in one": ["-cseed.yaml"],
    "a dotted key": ["--config", "dotted.yaml"],
    "a part in a config": ["--config", "sub/part.yaml"],
}


def write_files() -> None:
    Path("sub").mkdir()
    Path("data.yaml").write_text("seed: 3", "utf-8")
    Path("seed.yaml").write_text("data: {seed: 3}", "utf-8")
    Path("dotted.yaml").write_text("data.seed: 3", "utf-8")
    Path("sub/part.yaml").write_text("data: inner.yaml", "utf-8")
    Path("sub/inner.yaml").write_text("seed: 3", "utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_a_linked_option_is_refused_in_every_form(
    form: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files()
    assert program("fit", *FORMS[form]) == 2
    assert capsys.readouterr().err == (
        "error: data.seed follows from seed_everything: set that instead\n"
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_value_is_the_same_in_every_form(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files()
    assert str(typed_options(["fit", *FORMS[form]], WANTED)["data.seed"]) == "3"


def test_a_networks_channels_are_refused_in_a_file_of_its_own(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    net = {"class_path": "models.UNet", "init_args": {"in_channels": 4}}
    Path("net.yaml").write_text(yaml.safe_dump(net), "utf-8")
    assert program("fit", "--model.network", "net.yaml") == 2
    assert "in_channels follows from data.modalities" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-c=a.yaml", "-ca.yaml", "--config=a.yaml"])
def test_the_folder_of_the_runs_and_the_experiment_are_found_in_every_form(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("trainer: {default_root_dir: elsewhere}", "utf-8")
    early = select_run(["fit", option])
    assert early.root == Path("elsewhere")
    assert early.experiment == "a"


def test_the_last_one_typed_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("trainer: {default_root_dir: elsewhere}", "utf-8")
    flag = ["--trainer.default_root_dir", "here"]
    assert select_run(["fit", "-c", "a.yaml", *flag]).root == Path("here")
    assert select_run(["fit", *flag, "-c", "a.yaml"]).root == Path("elsewhere")
    assert select_run(["fit", "--trainer", "{default_root_dir: there}"]).root == Path("there")


def test_files_that_name_one_another_and_aliases_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("data: a.yaml", "utf-8")
    laughs = [
        "a: &a [lol]",
        *(f"{y}: &{y} [*{x}, *{x}, *{x}]" for x, y in zip("abcdefgh", "bcdefghi", strict=True)),
    ]
    Path("b.yaml").write_text("\n".join(laughs), "utf-8")
    assert (
        typed_options(["fit", "-c", "a.yaml", "-c", "b.yaml", "--data", "a\0b", "--data"], WANTED)
        == {}
    )
