"""README.md: the model card."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_modules.utils.problems import by
from data_modules.utils.words import counted, number_range
from lightning_app.ensembles.folders import test_of
from lightning_app.ensembles.predictor import Predictor
from lightning_app.export.folder import ExportFolder
from lightning_app.export.record import ModelRecord, TrainingRecord
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.intervals import METHOD
from lightning_app.metrics.score import Score
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.postprocessing.postprocessing import NOTHING
from lightning_app.report.load.display_names import MODALITIES, network_name
from lightning_app.results.score_table import score_rows
from lightning_app.results.test_record import TestRecord, read_test
from lightning_app.runs.record_values import Values
from lightning_app.runs.records import read_record

TEMPLATES = Path(__file__).parent / "templates"
_CARD = "README.md.j2"


def model_card(record: ModelRecord, predictor: Predictor, folder: ExportFolder) -> str:
    """The card of a model, in Markdown.

    Args:
        record: of the model.
        predictor: whose weights it has; its test has the scores.
        folder: that holds its other files.

    Raises:
        RecordError: metrics.json of the run is damaged.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True,
        keep_trailing_newline=True, autoescape=False,  # noqa: S701 (Markdown, escaped by finalize)
        finalize=_for_markdown,
    )  # fmt: skip
    notes, tables = _scores(record, predictor)
    git = record.program.get("git") or {}
    card: str = templates.get_template(_CARD).render(
        record=record, licence=record.licence, by=by, title=_title(record),
        sentence=_sentence(record), classes=", ".join(record.output.classes),
        spacing=_spacing(record.training_data), data=_data(record.training_data),
        commit=f", commit {git['commit']}" if git.get("commit") else "",
        onnx=folder.onnx.is_file(), files=_files(folder), score_notes=notes, tables=tables,
    )  # fmt: skip
    return card


def _for_markdown(value: Any) -> Any:
    """A value in one line that cannot become a tag or a cell of its own."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def _title(record: ModelRecord) -> str:
    networks = list(dict.fromkeys(network_name(run.network) for run in record.runs))
    modalities = " and ".join(MODALITIES.get(name, name) for name in record.images.modalities)
    return f"{' and '.join(networks)} on {modalities}"


def _sentence(record: ModelRecord) -> str:
    meanings = ", ".join(label.meaning for label in record.output.labels)
    return f"Segments brain tumours in MRI, slice by slice: {meanings}."


def _spacing(data: TrainingRecord) -> str:
    """What a case should have along x, y and z."""
    ranges = [number_range(f"{low:.3g}", f"{high:.3g}") for low, high in data.spacing.values()]
    return f"{' x '.join(ranges)} mm, as in training" if ranges else "not known"


def _data(data: TrainingRecord) -> str:
    releases = f" ({', '.join(data.releases)})" if data.releases else ""
    what = "synthetic patients" if data.kind == "phantom" else f"{data.name}{releases}"
    slices = data.slices if isinstance(data.slices, str) else ", ".join(map(str, data.slices))
    return (
        f"{what}; {counted(data.patients, 'patient')} in training and validation; slices {slices}"
    )


def _files(folder: ExportFolder) -> list[tuple[str, str]]:
    words = {
        folder.onnx: "the graph, for ONNX Runtime and others: `image` (batch, modalities, height, "
        "width) to `probabilities` (batch, channels, height, width), float32",
        folder.int8: "the graph with integers of 8 bits, for OpenVINO; see the scores",
        folder.int8_weights: "its weights",
        folder.weights: "the weights, for PyTorch",
        folder.config: "how the networks of these weights are built",
        folder.record: "all that a program must know of the model",
        folder.example: "a program that segments a case, from .nii.gz to a label map",
    }
    written = {*folder.files(), folder.record}
    return [(path.name, text) for path, text in words.items() if path in written]


def _scores(record: ModelRecord, predictor: Predictor) -> tuple[list[str], list[dict[str, Any]]]:
    """What to know of the scores of the run's test, and their tables."""
    folder = test_of(predictor)
    if not folder.metrics.is_file():
        return ["It was not tested."], []
    test, values = read_test(folder), Values(read_record(folder.metrics), folder.metrics)
    if sorted(test.epochs) != sorted(run.epoch for run in record.runs):
        return ["It was not tested: the scores of the run are those of another epoch."], []
    patients, cases, slices = map(values.whole_number, ("patients", "cases", "slices"))
    tested = (
        f"On the test split of the same data: {counted(patients, 'patient')}, "
        f"{counted(cases, 'case')}, {counted(slices, 'slice')} ({test.data.eval_slices}). "
        f"{METHOD.partition(' (')[0]}; n: the cases that have a score."
    )
    kinds: list[tuple[str, Sequence[Score], Results]] = [
        ("Of pixels:", SCORES, test.scores),
        ("Of cases, means:", VOLUME_SCORES, test.volumes),
    ]
    return [tested, *_differences(record, test)], [_table(*kind) for kind in kinds if kind[2]]


def _differences(record: ModelRecord, test: TestRecord) -> list[str]:
    """How the tested model differs from the exported one."""
    notes = []
    tested, exported = test.postprocessing or NOTHING, record.output.postprocessing
    if tested != exported:
        notes.append(
            f"They are with post-processing: {tested.in_words}; this model has: "
            f"{exported.in_words}."
        )
    if test.computed_with and test.computed_with != "32-true":
        notes.append(f"They were computed with {test.computed_with}, and this model with float32.")
    return notes


def _table(title: str, scores: Sequence[Score], results: Results) -> dict[str, Any]:
    rows = []
    for score, cells in score_rows(scores, results):
        values = [" (".join(cell.split("\n")) + ")" * ("\n" in cell) for cell in cells]
        rows.append([score.summary_heading, *values, score.better, score.definition])
    return {"title": title, "classes": list(results), "rows": rows}
