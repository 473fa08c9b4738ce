"""The command line. Imports neither torch nor lightning before a command needs them."""

import difflib
import importlib
import sys
from importlib.metadata import version
from itertools import pairwise

from lightning_app.utils.parent_process import end_with_parent
from lightning_app.utils.text import print_lines

# Each command is the module of its name in lightning_app/commands; lightning_app/help explains it.
COMMANDS = {
    "prepare": "check the data:               python main.py prepare [--data.root ROOT]",
    "fit": "train a network:              python main.py fit --config aspp_t1c.yaml",
    "validate": "score the validation split:   python main.py validate [--run RUN]",
    "tune": "choose the post-processing:   python main.py tune [--run RUN]",
    "test": "score the test split:         python main.py test [--run RUN]",
    "predict": "segment volumes:              python main.py predict --input CASE --output DIR",
    "export": "a model for other programs:   python main.py export [--run RUN]",
    "evaluate": "score masks of any tool:      python main.py evaluate --help",
    "reproduce": "train and test experiments:   python main.py reproduce --config quick.yaml",
    "report": "tables, figures and a page:   python main.py report [RUNS ...]",
    "runs": "list runs with their scores:  python main.py runs [RUNS_DIR] [--sort COLUMN]",
    "clean": "what can be deleted:          python main.py clean [RUNS_DIR] [--yes]",
    "phantom": "write synthetic patients:     python main.py phantom --output DIR --cases 60",
}
_HELP = {"-h", "--help"}
_WITHOUT_TORCH = {"clean", "evaluate", "phantom", "exported.predict", "report", "runs"}
_OF_EXPORTED = {"--model", "--runtime", "--quantise"}  # options of predict for an exported model


def main(arguments: list[str]) -> int:
    """Run a command.

    Returns:
        The exit code: 0 done, 1 bad cases found by prepare, 2 a command that cannot be carried out
        as typed, 130 interrupted.
    """
    if not arguments or arguments[0] in {*_HELP, "--help-all"}:
        print(_help())
        return 0
    name, *options = arguments
    if name == "--version":
        print(version("brats-lightning"))
        return 0
    if reason := _why_not(name, options):
        print_lines(f"error: {reason}", file=sys.stderr)
        return 2
    if not _HELP.isdisjoint(options):
        print(importlib.import_module(f"lightning_app.help.{name}").PAGE.text())
        return 0
    end_with_parent()
    module = _module(name, options)
    try:
        if module not in _WITHOUT_TORCH:
            import lightning_app.utils.import_torch  # noqa: F401 (torch and lightning come first)
        command = importlib.import_module(f"lightning_app.commands.{module}")
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130
    code: int = command.run(options)
    return code


def _why_not(command: str, options: list[str]) -> str | None:
    """Why a command cannot be run as typed; None if nothing is in the way so far."""
    if command not in COMMANDS:
        near = difflib.get_close_matches(command, COMMANDS, n=1) or list(COMMANDS)
        return f"'{command}' is not a command; nearest: {', '.join(near)}"
    for before, option in pairwise(["", *options]):
        name, is_assigned, value = option.partition("=")
        if not option or (is_assigned and not value and name.startswith("--")):
            named = name or (before if before.startswith("--") else "an argument")
            # A path that is empty would mean this folder.
            return f"{named} is empty, expected a value: is a shell variable unset?"
    return None


def _module(command: str, options: list[str]) -> str:
    """The module of a command; ``predict`` has another one for exported models."""
    typed = {option.partition("=")[0] for option in options}
    is_exported = command == "predict" and not _OF_EXPORTED.isdisjoint(typed)
    return "exported.predict" if is_exported else command


def _help() -> str:
    commands = "\n".join(f"  {name:<11}{text}" for name, text in COMMANDS.items())
    return (
        "usage: python main.py COMMAND [OPTIONS]\n\n"
        "Brain tumour segmentation experiments on BraTS: UNet, Attention UNet, SPP, ASPP.\n\n"
        f"commands:\n{commands}\n\n"
        "first steps, on synthetic patients:\n"
        "  python main.py fit --config unet_t2f.yaml --config quick.yaml --data.root phantom\n"
        "  python main.py test\n"
        "  python main.py report\n\n"
        "python main.py COMMAND --help explains a command, COMMAND --help-all lists every option.\n"
        "--version prints the version. The experiments are in configs/; the README explains them."
    )
