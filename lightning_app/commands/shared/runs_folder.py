"""The argument of the commands that are about all runs of a folder. Imports no torch."""

from pathlib import Path

from lightning_app.runs.folder import DEFAULT_ROOT
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.errors import UsageError


def add_runs_folder(parser: PlainParser, remark: str = "") -> None:
    """Add the argument ``runs``; the remark is added to its help."""
    parser.add_argument(
        "runs",
        metavar="RUNS_DIR",
        type=Path,
        nargs="?",
        default=Path(DEFAULT_ROOT),
        help=f"folder of the runs, by default %(default)s{remark}",
    )


def check_runs_folder(folder: Path, command: str) -> None:
    """Raise UsageError if there is no such folder."""
    if not folder.is_dir():
        raise UsageError(f"runs folder '{folder}' does not exist; name it: {command} RUNS_DIR")
