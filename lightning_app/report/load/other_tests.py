"""Which tests of a run, besides that of its test split, are tests on other data."""

from lightning_app.report.load.display_names import run_name
from lightning_app.report.load.members import trainings
from lightning_app.results.partial_test import PARTIAL_KEY
from lightning_app.results.test_record import read_test
from lightning_app.runs.folder import ResultFolder, TestFolder
from lightning_app.runs.records import DataRecord, read_environment, read_record
from lightning_app.utils.text import printable

PARTIAL = "tested on a part of the test split"
_EARLIER_PREPARATION = "an earlier version prepared the slices of its training: train it again"
_UNKNOWN_PART = (
    "an earlier version did not record whether the whole test split was tested: test it again"
)
_OTHER_SPLIT = "tested on another split of the run's own data"
_OTHER_SLICES = "tested on other slices of the run's own test split"


def test_name(run: ResultFolder, test: TestFolder) -> str:
    """The display name of a test: of the run or ensemble and, for other data, of its folder."""
    folder = "" if test == run.test() else f"/{printable(test.path.name)}"
    return run_name(run) + folder


def why_not_external(run: ResultFolder, test: TestFolder) -> str | None:
    """Why a test is not one of a whole test split of other data; None if it is one.

    None as well for a test that cannot be read: what is wrong with it shows when it is.
    """
    if test.is_partial:
        return PARTIAL
    try:
        trained = read_environment(trainings(run, test)[0].environment).data
        tested = read_test(test).data
        partial = read_record(test.metrics).get(PARTIAL_KEY)
    except (OSError, ValueError):
        return None
    if trained.is_earlier_preparation_of(tested):
        return _EARLIER_PREPARATION
    if partial is None:
        return _UNKNOWN_PART
    if partial is not False:
        return PARTIAL
    return _why_own_data(trained, tested)


def _why_own_data(trained: DataRecord, tested: DataRecord) -> str | None:
    """How a test on the data of the training differs from that of the run; None for other data."""
    same_slices = tested.eval_fingerprint and tested.eval_fingerprint == trained.eval_fingerprint
    if same_slices or tested.fingerprint == trained.fingerprint:
        return _OTHER_SPLIT
    chosen, of_training = (
        (data.split, data.slices, data.eval_slices) for data in (tested, trained)
    )
    if chosen[0] == of_training[0] and chosen != of_training:
        return _OTHER_SLICES
    return None
