"""``predict --model``: segment volumes with an exported model. Imports torch for torch only."""

import argparse
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.progress import track

from data_modules.catalog.cases_to_predict import cases_to_predict
from data_modules.catalog.releases import RELEASES
from data_modules.utils.errors import DataError
from lightning_app.export.record import OutputRecord
from lightning_app.export.runtimes.choice import (
    ModelWeights,
    QuantiseName,
    RuntimeName,
    chosen_runtime,
    load,
)
from lightning_app.export.runtimes.exported_model import read_exported
from lightning_app.export.runtimes.prediction import Prediction
from lightning_app.help import predict
from lightning_app.postprocessing.postprocessing import NOTHING, Postprocessing
from lightning_app.results.predictions.label_map_folder import PROBABILITIES, LabelMapFolder
from lightning_app.results.predictions.next_step import evaluation_command
from lightning_app.results.predictions.unseen_data import warn_of_unseen_slices
from lightning_app.tuning.record import read_postprocessing
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.errors import UsageError
from lightning_app.utils.exit_codes import exit_on_signals, print_stop
from lightning_app.utils.logging import configure_logging
from lightning_app.utils.text import print_lines

_AUTO, _NONE = "auto", "none"  # of --postprocess
_RELEASE = "--data.release"
_OF_RUNS = {"--run", "--ensemble", "--tta", "--config", "-c", "--name", "--weights"}


def run(arguments: list[str]) -> int:
    """Segment the volumes of ``--input``; returns the exit code."""
    parser = _parser()
    if strange := [word for word in arguments if _is_for_runs(word.partition("=")[0])]:
        parser.error(
            f"{strange[0].partition('=')[0]} is for runs, and --model names an exported model, "
            "which has its options in itself: leave one of them out"
        )
    options = parser.parse(arguments)
    configure_logging()
    try:
        with exit_on_signals():
            _predict(options)
    except BaseException as error:  # noqa: BLE001 (a bug is raised again)
        return print_stop(error, "the label maps that are there are complete")
    return 0


def _is_for_runs(option: str) -> bool:
    is_dotted = option.startswith("--") and "." in option
    return option in _OF_RUNS or (is_dotted and option != _RELEASE)


def _parser() -> PlainParser:
    parser = PlainParser("predict", predict.PAGE.summary)
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="folder that export wrote"
    )
    parser.add_argument(
        "--input", type=Path, required=True, help="a case, a folder of cases, or an image"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the label maps")
    parser.add_argument(
        "--runtime",
        choices=get_args(RuntimeName),
        help="what runs the model; by default onnx if the folder has its file and it is installed",
    )
    parser.add_argument(
        "--quantise", choices=get_args(QuantiseName), help="use the quantised model, by OpenVINO"
    )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="NAME",
        help="a module or class that config.yaml of the model may name; its code will run",
    )
    parser.add_argument(
        _RELEASE,
        dest="release",
        choices=("auto", *(release.name for release in RELEASES)),
        default="auto",
        help="release of BraTS, if file names do not tell",
    )
    _add_results(parser)
    return parser


def _add_results(parser: argparse.ArgumentParser) -> None:
    """The options that say what is written."""
    parser.add_argument("--pictures", action="store_true", help="draw each case")
    parser.add_argument(
        "--probabilities", action="store_true", help="write the probabilities of the classes"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace label maps of another run or another input",
    )
    parser.add_argument(
        "--postprocess",
        default=_AUTO,
        metavar="auto|none|FILE",
        help="auto: as the model says; none; or a file of tune",
    )


def _predict(options: argparse.Namespace) -> None:
    """Load the model, segment, and print where the results are.

    Raises:
        UsageError: the model cannot be used, or a file would be replaced that is not ours.
        DataError: a case could not be segmented; the others were.
    """
    model = read_exported(options.model.absolute())
    record = model.record
    postprocessing = _postprocessing(options.postprocess, record.output)
    runtime = chosen_runtime(model, options.runtime, options.quantise)
    weights = ModelWeights(model, runtime, options.quantise)
    modalities = record.images.modalities
    cases = cases_to_predict(options.input, modalities, options.release)
    loaded = load(weights, options.trust)
    label_maps = LabelMapFolder(options.output, weights, options.overwrite, options.pictures)
    probabilities = LabelMapFolder(options.output / PROBABILITIES, weights, options.overwrite)
    prediction = Prediction(
        record, loaded.run, postprocessing, label_maps,
        probabilities if options.probabilities else None,
    )  # fmt: skip
    for folder in (label_maps, *[probabilities] * options.probabilities):
        folder.prepare(cases, modalities[0])
    print_lines(f"Model: {model.folder.path}", f"Runtime: {loaded.words}, on the CPU", flush=True)
    warn_of_unseen_slices(record.training_data)
    console = Console(stderr=True)
    shown = track(cases, "Cases", console=console, transient=True, disable=not console.is_terminal)
    problems = [problem for case in shown for problem in prediction.of_case(case)]
    print_lines(f"Label maps: {label_maps.path}")
    if options.probabilities:
        print_lines(f"Probabilities: {probabilities.path}")
    if problems:
        raise DataError(
            f"cases that could not be segmented: {len(problems)} ({'; '.join(problems)})"
        )
    command = evaluation_command(label_maps.path, options.input, cases, options.release)
    print_lines(f"Score them: {command}")


def _postprocessing(option: str, output: OutputRecord) -> Postprocessing:
    """What ``--postprocess`` means. Raises UsageError if it names no file that fits."""
    if option == _AUTO:
        return output.postprocessing
    if option == _NONE:
        return NOTHING
    try:
        return read_postprocessing(
            Path(option), output.target, output.classes, exclusive=output.exclusive
        )
    except FileNotFoundError:
        raise UsageError(
            f"--postprocess is '{option}', expected {_AUTO}, {_NONE} or a file that tune wrote"
        ) from None
