"""The front door: which command? Imports neither torch nor lightning: it answers at once."""

import difflib
import sys
from importlib.metadata import version

COMMANDS = {
    "prepare": "check the data:             python main.py prepare [--data.root ROOT]",
    "fit": "train a network:            python main.py fit --config aspp_t1c.yaml",
    "validate": "score the validation side:  python main.py validate [--run RUN]",
    "test": "score the test side:        python main.py test [--run RUN]",
    "predict": "segment volumes:            python main.py predict --input CASE --output DIR",
    "reproduce": "train the paper's grid:     python main.py reproduce --config quick.yaml",
    "report": "tables, figures and a page: python main.py report [RUNS_DIR]",
    "phantom": "write synthetic patients:   python main.py phantom --output DIR --cases 60",
}


def main(arguments: list[str]) -> int:
    """Run a command.

    Returns:
        The exit code: 0 done, 1 bad cases found by prepare, 2 a command that cannot be carried out
        as typed, 130 interrupted.
    """
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(_help())
        return 0
    if arguments[0] == "--version":
        print(version("brats-lightning"))
        return 0
    if arguments[0] not in COMMANDS:
        near = difflib.get_close_matches(arguments[0], COMMANDS, n=1) or list(COMMANDS)
        print(f"error: '{arguments[0]}' is no command; nearest: {', '.join(near)}", file=sys.stderr)
        return 2
    if arguments[0] == "phantom":
        from lightning_app.commands.phantom import run as write

        return write(arguments[1:])
    if arguments[0] == "report":
        from lightning_app.commands.report import run as report

        return report(arguments[1:])
    import lightning_app.utils.import_torch  # noqa: F401 (torch and lightning, before all else)
    from lightning_app.commands.session import run

    return run(arguments)


def _help() -> str:
    commands = "\n".join(f"  {name:<11}{text}" for name, text in COMMANDS.items())
    return (
        "usage: python main.py COMMAND [OPTIONS]\n\n"
        "Brain tumour segmentation experiments on BraTS: UNet, Attention UNet, SPP, ASPP.\n\n"
        f"commands:\n{commands}\n\n"
        "python main.py COMMAND --help lists a command's options; --version prints the version.\n"
        "The experiments are in configs/, the README says what they mean."
    )
