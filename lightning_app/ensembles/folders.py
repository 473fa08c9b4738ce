"""The folders of tested ensembles. Imports no torch."""

from pathlib import Path

from lightning_app.runs.folder import ENSEMBLES, ResultFolder, TestFolder, is_file, is_run_name


def find_ensembles(root: Path) -> list[ResultFolder]:
    """The tested ensembles in a root folder, by name."""
    folders = [path.absolute() for path in sorted((root / ENSEMBLES).glob("*"))]
    return [ResultFolder(path) for path in folders if is_ensemble(path)]


def is_ensemble(path: Path) -> bool:
    """Whether a folder is that of a tested ensemble."""
    is_named_so = path.parent.name == ENSEMBLES and not is_run_name(path.name)
    return is_named_so and any(is_file(TestFolder(test).metrics) for test in path.glob("test*"))
