"""The program as it was before, to be measured beside the program as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import run_process

# The last commit before the optimisations that the sections start_up, patient and grid measure.
BEFORE = "d4ae40e"


@contextmanager
def earlier_program(revision: str = BEFORE) -> Iterator[Path]:
    """A checkout of an earlier revision, in a temporary folder.

    Args:
        revision: a commit of this repository.

    Raises:
        RuntimeError: git does not know the commit, as in a shallow clone or an archive.
    """
    with TemporaryDirectory() as name:
        folder = Path(name) / "program"
        run_process(["git", "worktree", "add", "--detach", str(folder), revision])
        try:
            yield folder
        finally:
            run_process(["git", "worktree", "remove", "--force", str(folder)])
