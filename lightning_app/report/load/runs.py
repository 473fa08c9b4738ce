"""From folders to the tests that a report shows."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from lightning_app.report.load.display_names import run_name, test_again, test_command
from lightning_app.report.load.members import command_of, trainings
from lightning_app.report.load.named_runs import named_ensembles, named_runs
from lightning_app.report.load.other_tests import PARTIAL, test_name, why_not_external
from lightning_app.report.load.tested_run import LeftOut, TestedRun, in_words, read_tested_run
from lightning_app.results.partial_test import is_partial
from lightning_app.runs.folder import ResultFolder, Run, TestFolder, is_file
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import read_record
from lightning_app.runs.status import current_status, is_finished, training_limits
from lightning_app.utils.text import printable


def read_runs(*paths: Path) -> tuple[list[TestedRun], list[LeftOut]]:
    """The tests of finished runs and of ensembles, the newest first, and all others.

    Args:
        paths: folders of runs and ensembles, and folders that hold them.

    Raises:
        UsageError: a path leads to no run.
    """
    tested = [*named_runs(paths), *named_ensembles(paths)]
    used, left_out = _read_tests(
        [
            (run, run.test())
            for run in tested  # an ensemble may have been tested on other data only
            if isinstance(run, Run) or is_file(run.test().metrics)
        ],
        _why_untested,
    )
    left_out += [
        LeftOut(test_name(run, test), reason)
        for run in tested
        for test in run.other_tests()
        if (reason := why_not_external(run, test))
    ]
    return used, left_out


def read_external_tests(*paths: Path) -> tuple[list[TestedRun], list[LeftOut]]:
    """The tests of finished runs and of ensembles on other data, the newest run first.

    A run with several such tests comes several times. Left out are those that cannot be read.

    Args:
        paths: folders of runs and ensembles, and folders that hold them.

    Raises:
        UsageError: a path leads to no run.
    """
    tested = [*named_runs(paths), *named_ensembles(paths)]
    tests = [(run, test) for run in tested for test in run.other_tests()]
    external = [(run, test) for run, test in tests if not why_not_external(run, test)]
    used, left_out = _read_tests(external, _why_incomplete)
    return list(map(_with_training_data, used)), left_out


def _read_tests(
    tests: Iterable[tuple[ResultFolder, TestFolder]],
    why_not: Callable[[ResultFolder, TestFolder], str | None],
) -> tuple[list[TestedRun], list[LeftOut]]:
    """Read some tests; left out are those for which there is a reason, and the damaged ones."""
    used: list[TestedRun] = []
    left_out: list[LeftOut] = []
    for tested, test in tests:
        try:
            if reason := _why_untrained(tested, test) or why_not(tested, test):
                left_out.append(LeftOut(test_name(tested, test), reason))
            else:
                used.append(read_tested_run(tested, test))
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {in_words(error)}"
            left_out.append(LeftOut(test_name(tested, test), reason))
    return used, left_out


def _with_training_data(test: TestedRun) -> TestedRun:
    """A test on other data, with the data of the training as an option.

    Tests on the same data may be of runs that were trained on different patients.
    """
    trained_on = dict.fromkeys(weights.trained_on for weights in test.weights)
    return replace(test, options={**test.options, "training on": " and ".join(trained_on)})


def _why_untrained(tested: ResultFolder, test: TestFolder) -> str | None:
    """Why no test of these weights is reported; None if there is no reason."""
    for run in trainings(tested, test):
        member = "" if run == tested else f"its member {run_name(run)} is "
        if not is_finished(run):
            return f"{member}not finished: its status is {_status(run)}"
        if limited := training_limits(run):
            return f"{member}trained in part: {limited}"
    return None


def _why_untested(tested: ResultFolder, test: TestFolder) -> str | None:
    """Why the test on the test split of the training is not reported."""
    if isinstance(tested, Run) and not is_file(test.metrics):
        return f"not tested: {test_command(tested)}"
    if reason := _why_incomplete(tested, test):
        return reason
    if isinstance(tested, Run) and is_partial(tested):
        return f"{PARTIAL}: {test_command(tested)}"
    return None


def _why_incomplete(tested: ResultFolder, test: TestFolder) -> str | None:
    if is_file(test.metrics) and is_file(test.slices):
        return None
    return f"its test did not write all files: {test_again(command_of(tested, test), test)}"


def _status(run: Run) -> str:
    try:
        Values(read_record(run.status), run.status).text("status")
    except (OSError, RecordError) as error:
        return f"unknown ({in_words(error)})"
    return printable(current_status(run))
