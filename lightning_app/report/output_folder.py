"""The folder of a page: an earlier one is replaced, and nothing else."""

from collections.abc import Callable, Iterable
from pathlib import Path

from lightning_app.utils.errors import UsageError

PAGE = "report.html"


def check_replaceable(
    output: Path, generator: str, foreign: Callable[[Path], Iterable[str]]
) -> None:
    """Check that a folder does not exist, is empty, or holds what the same command wrote.

    Args:
        output: the folder.
        generator: who wrote the page, as the page says.
        foreign: the names of files in a folder that the command does not write.

    Raises:
        UsageError: it holds anything else.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    kind = generator.rpartition(" ")[2]
    path = output / PAGE
    if not path.is_file() or generator not in path.read_text(encoding="utf-8", errors="replace"):
        raise UsageError(
            f"--output '{output}' exists and holds no earlier {kind}: name a new or empty folder"
        )
    if found := sorted(foreign(output)):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise UsageError(
            f"--output '{output}' holds {found[0]}{more}, which no {kind} wrote and a new {kind} "
            "would delete: move it away, or name a new or empty folder"
        )
