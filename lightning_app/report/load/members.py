"""The runs behind a test: the tested run itself, or the members of an ensemble."""

import shlex

from lightning_app.ensembles.member_record import read_members
from lightning_app.ensembles.predictor import Predictor
from lightning_app.report.load.display_names import run_name, test_command
from lightning_app.runs.folder import ResultFolder, Run, TestFolder, is_file
from lightning_app.runs.record_values import RecordError
from lightning_app.utils.text import printable


def trainings(tested: ResultFolder, test: TestFolder) -> list[Run]:
    """The runs whose weights were tested.

    Raises:
        RecordError: the members of an ensemble are not recorded, or one is not there any more.
        FileNotFoundError: there is no record.
    """
    if isinstance(tested, Run):
        return [tested]
    members = read_members(test)
    runs = [member.run(tested) for member in members.runs]
    if not runs:
        raise RecordError(test.metrics, "it has no members, expected those of an ensemble")
    for run in runs:
        if not is_file(run.config):
            raise RecordError(test.metrics, f"its member {run_name(run)} is not there any more")
    return runs


def command_of(tested: ResultFolder, test: TestFolder) -> str:
    """The command that tests a run or an ensemble. Raises as ``trainings`` does."""
    if isinstance(tested, Run):
        return test_command(tested)
    runs, is_mirrored = trainings(tested, test), read_members(test).is_mirrored
    words = Predictor(tuple(runs), is_mirrored, tested).words
    return printable(f"python main.py test {shlex.join(words)}")
