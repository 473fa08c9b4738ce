"""The ``evaluate`` command: scores of volumes for label maps of any tool. Imports no torch."""

import argparse
import math
import sys
from pathlib import Path
from typing import get_args

from rich.console import Console

from data_modules.catalog.releases import RELEASES
from data_modules.utils.process_pool import Workers
from lightning_app.evaluation.inputs.pairing import OnMissing
from lightning_app.evaluation.inputs.values import CHOICES
from lightning_app.evaluation.plan import InputError, Request, make_plan
from lightning_app.evaluation.remarks import facts
from lightning_app.evaluation.write import Evaluation, check_output, write_evaluation
from lightning_app.help import evaluate
from lightning_app.metrics.volume.cohorts import COHORTS
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.output_folder import PAGE
from lightning_app.results.score_table import score_table, undefined_notes
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.exit_codes import exit_on_signals, print_stop
from lightning_app.utils.next_command import open_in_browser
from lightning_app.utils.text import print_lines


def run(arguments: list[str]) -> int:
    """Evaluate label maps; returns the exit code."""
    options = _parser().parse(arguments)
    try:
        with exit_on_signals():
            evaluation = _evaluate(options)
    except InputError as error:
        print_lines(f"error: {error}", file=sys.stderr)
        print_lines(*(f"  {found.case}: {found}" for found in error.problems), file=sys.stderr)
        print_lines(*(f"Note: {remark}" for remark in error.remarks), file=sys.stderr)
        return 2
    except BaseException as error:  # noqa: BLE001 (a bug is raised again)
        return print_stop(error, "nothing was written")
    _print(evaluation)
    return 0


def _evaluate(options: argparse.Namespace) -> Evaluation:
    request = Request(
        masks=[options.input, *([options.against] if options.against else [])],
        reference=options.reference,
        release=options.release,
        values=options.values,
        cohort=options.cohort,
        tolerance=options.tolerance,
        on_missing=options.on_missing,
    )
    check_output(options.output.resolve())
    with Workers() as workers:
        plan = make_plan(request, workers)
        print_lines(*(f"{name}: {value}" for name, value in facts(plan)), flush=True)
        return write_evaluation(plan, options.output, workers)


def _print(evaluation: Evaluation) -> None:
    print_lines(*(f"Note: {remark}" for remark in evaluation.remarks))
    console = Console(markup=False, emoji=False, highlight=False)
    console.print()
    console.print(
        score_table(f"Means over {evaluation.cases} cases", VOLUME_SCORES, evaluation.summaries)
    )
    console.print()
    print_lines(*undefined_notes(VOLUME_SCORES, evaluation.summaries))
    verdicts = [
        f"{found.region}: {found.verdict(evaluation.names)} (p {found.holm_p:.4f}, Holm)"
        for found in evaluation.comparisons
        if found.sign
    ]
    page = open_in_browser(evaluation.output / PAGE)
    print_lines(*verdicts, f"Files: {evaluation.output}", f"Open the page: {page}")


def _parser() -> PlainParser:
    parser = PlainParser("evaluate", evaluate.PAGE.summary)
    parser.add_argument(
        "--input", type=Path, required=True, help="folder of the masks, <case>.nii.gz"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        required=True,
        help="ground truth: a BraTS data set, or a folder of label maps <case>.nii.gz",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder of the results; an earlier evaluation there is replaced, and a folder that "
        "holds anything else is refused",
    )
    parser.add_argument(
        "--against",
        type=Path,
        help="folder of other masks of the same cases, to compare --input with",
    )
    _add_definitions(parser)
    return parser


def _add_definitions(parser: argparse.ArgumentParser) -> None:
    """The options that say what files mean and how they are scored."""
    parser.add_argument(
        "--values",
        choices=CHOICES,
        help="what the values in masks mean, and in label maps of --reference; whole: all that is "
        "not 0 is tumour. By default what the JSON of predict or nnU-Net's dataset.json says, else "
        "brats2023",
    )
    parser.add_argument(
        "--cohort",
        choices=COHORTS,
        help="of BraTS 2023, which defines lesions; by default that of the release of the cases",
    )
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        default=1.0,
        help="of the normalised surface distance in mm, by default %(default)s",
    )
    parser.add_argument(
        "--on_missing",
        choices=get_args(OnMissing),
        default="stop",
        help="a case without a mask stops the evaluation, its mask counts as empty, or skip leaves "
        "it out; by default %(default)s",
    )
    parser.add_argument(
        "--data.release",
        dest="release",
        choices=("auto", *(release.name for release in RELEASES)),
        default="auto",
        help="release of the ground truth, by default %(default)s",
    )


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}', expected a number of mm, more than 0")
    return value
