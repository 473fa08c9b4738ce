"""The ``report`` command: tables, figures and a page of many runs. Imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from data_modules.utils.words import counted
from lightning_app.help import report
from lightning_app.runs.folder import DEFAULT_ROOT
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.exit_codes import exit_on_signals, print_stop
from lightning_app.utils.next_command import open_in_browser
from lightning_app.utils.text import print_lines


def run(arguments: list[str]) -> int:
    """Write a report; returns the exit code."""
    options = _parser().parse(arguments)
    from lightning_app.report.write import write_report

    try:
        with exit_on_signals():
            output = options.output or _default_output(options.runs)
            written = write_report(options.runs, output)
    except BaseException as error:  # noqa: BLE001 (a bug is raised again)
        return print_stop(error, "an earlier report is unchanged")
    groups = f" in {written.groups} groups that cannot be compared" if written.groups > 1 else ""
    print_lines(
        f"{counted(written.runs, 'run')}{groups}, {len(written.left_out)} left out",
        *(f"  {left.name}: {left.reason}" for left in written.left_out),
        *([f"Tests on other data: {written.external}"] if written.external else []),
        f"Report: {written.page}",
        f"Open it: {open_in_browser(written.page)}",
    )
    return 0


def _default_output(paths: Sequence[Path]) -> Path:
    """In the folder that is named; of several, beside the first, whose own report stays."""
    from lightning_app.report.load.named_runs import names_run

    first, *others = paths
    if not others:
        return first / "report"
    folder = first.resolve()
    return (folder.parent.parent if names_run(folder) else folder.parent) / "comparison"


def _parser() -> PlainParser:
    parser = PlainParser("report", report.PAGE.summary)
    parser.add_argument(
        "runs",
        metavar="RUNS",
        type=Path,
        nargs="*",
        default=[Path(DEFAULT_ROOT)],
        help=f"folders of runs, and single runs; by default {DEFAULT_ROOT}",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of the report, by default RUNS/report, or for several RUNS the folder "
        "comparison beside the first; an earlier report there is replaced; a folder that holds "
        "anything else is refused",
    )
    return parser
