"""The folders of tested ensembles. Imports no torch."""

from contextlib import suppress
from pathlib import Path

from lightning_app.ensembles.member_record import read_members
from lightning_app.ensembles.predictor import Predictor
from lightning_app.runs.folder import ENSEMBLES, ResultFolder, TestFolder, is_file, is_run_name
from lightning_app.runs.record_values import RecordError


def find_ensembles(root: Path) -> list[ResultFolder]:
    """The tested ensembles in a root folder, by name."""
    folders = [path.absolute() for path in sorted((root / ENSEMBLES).glob("*"))]
    return [ResultFolder(path) for path in folders if is_ensemble(path)]


def is_ensemble(path: Path) -> bool:
    """Whether a folder is that of a tested ensemble."""
    is_named_so = path.parent.name == ENSEMBLES and not is_run_name(path.name)
    return is_named_so and any(is_file(TestFolder(test).metrics) for test in path.glob("test*"))


def test_of(predictor: Predictor) -> TestFolder:
    """The test of the predictor's weights; one that does not exist if there is none.

    An ensemble may have been tested under another name (``test --name``), and another one under
    its own: its members are compared. Its own name comes first, then the newest test.
    """
    own = predictor.folder.test()
    if predictor.is_plain or _has_members_of(predictor, predictor.folder):
        return own
    others = find_ensembles(predictor.folder.path.parents[1])
    tests = [folder.test() for folder in others if _has_members_of(predictor, folder)]
    nothing = TestFolder(own.path / "none")
    return max(tests, key=lambda test: test.metrics.stat().st_mtime, default=nothing)


def _has_members_of(predictor: Predictor, ensemble: ResultFolder) -> bool:
    with suppress(RecordError, OSError):
        members = read_members(ensemble.test())
        tested = {member.run(ensemble).path for member in members.runs}
        is_same = tested == {run.path for run in predictor.runs}
        return is_same and members.is_mirrored == predictor.is_mirrored
    return False
