"""The short help of each command agrees with its parser."""

import argparse
import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_app.cli import COMMANDS, main
from lightning_app.commands.shared.base_cli import BaseCLI
from lightning_app.commands.shared.experiment_cli import ExperimentCLI
from lightning_app.config.diff import to_plain
from lightning_app.help.shared.page import THE_RUNS, Option, Page
from lightning_app.utils.option_hints import SYNONYMS
from lightning_app.utils.private_api import option_names

OF_A_RUN = {"test", "validate", "predict", "tune", "export"}
PLAIN = {"clean", "evaluate", "phantom", "report", "runs"}
REQUIRED = {
    "fit": ["--model.network", "models.UNet"],
    "predict": ["--input", "in", "--output", "out"],
}
Capture = pytest.CaptureFixture[str]


class Parser(Exception):  # noqa: N818 (it carries a parser out of a command)
    pass


def page(command: str) -> Page:
    found: Page = importlib.import_module(f"lightning_app.help.{command}").PAGE
    return found


def plain_options(command: str) -> dict[str, Any]:
    """The options of a command without configs, as typed, with their defaults."""
    parser = importlib.import_module(f"lightning_app.commands.{command}")._parser()
    return {
        name: action.default
        for action in parser._actions
        for name in action.option_strings or [action.metavar]
    }


def config_options(command: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options of a command with configs and of a U-Net, as typed, with their defaults."""

    def stop(cli: BaseCLI, parser: argparse.ArgumentParser, _: Any) -> None:
        raise Parser(cli._parser(cli.command) if isinstance(cli, ExperimentCLI) else parser)

    monkeypatch.setattr(BaseCLI, "parse_arguments", stop)
    with pytest.raises(Parser) as caught:
        importlib.import_module(f"lightning_app.commands.{command}").run(["--help-all"])
    (parser,) = caught.value.args
    words = ["--model.network", "models.UNet", *REQUIRED.get(command, [])]
    parsed = parser.parse_args(words)
    names = {*option_names(parser), *(name for name, _ in parsed.items())}
    return {f"--{name}": to_plain(parsed.get(name)) for name in names}


@pytest.fixture
def options(command: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    if command in PLAIN:
        return plain_options(command)
    if command == "predict":  # --model has a parser of its own
        return config_options(command, monkeypatch) | plain_options("exported.predict")
    if command == "reproduce":
        return config_options("fit", monkeypatch) | plain_options(command)
    return config_options(command, monkeypatch)


def agrees(shown: Option, default: Any) -> bool:
    """Whether a page shows the real default: a class as its path, a tuple as a list."""
    if shown.default is None:
        return default in (None, []) or (default is False and not shown.value)
    if isinstance(default, dict):
        default = default["class_path"]
    if isinstance(default, list) and any(isinstance(path, Path) for path in default):
        (default,) = default  # of a positional argument that may be repeated
    if isinstance(default, Path):
        default = str(default)
    as_list = list(default) if isinstance(default, tuple) else default
    return shown.default == THE_RUNS or yaml.safe_load(shown.default) == as_list


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_exists_and_has_the_default_that_is_shown(
    command: str, options: dict[str, Any]
) -> None:
    shown = page(command).options
    assert shown
    assert [option.name for option in shown if option.name not in options] == []
    required = REQUIRED.get(command, [])[::2]
    others = [option for option in shown if option.name not in required]
    assert [o.name for o in others if not agrees(o, options[o.name])] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_fits_on_one_and_a_half_screens(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for columns, most in ((80, 75), (100, 60)):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main([command, "--help"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) <= most
        assert max(map(len, lines)) <= columns
        assert lines[0].startswith(f"usage: python main.py {command} ")
        assert f"Every option: python main.py {command} --help-all" in lines


@pytest.mark.parametrize("command", COMMANDS)
def test_only_commands_that_use_a_run_have_its_defaults(command: str) -> None:
    has_defaults = any(option.default == THE_RUNS for option in page(command).options)
    assert has_defaults == (command in OF_A_RUN)


def test_the_options_of_a_class_need_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["--model.network.help", "models.UNet"], ["--model.network.help=models.UNet"]):
        with pytest.raises(SystemExit) as end:
            main(["test", *words])
        assert end.value.code == 0
        assert "--model.network.widths" in capsys.readouterr().out


def test_every_synonym_stands_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    names = config_options("test", monkeypatch) | config_options("fit", monkeypatch)
    known = {name.rpartition(".")[2].lstrip("-") for name in (*names, *plain_options("evaluate"))}
    assert SYNONYMS.keys() - known == set()
