"""model.json: what an exported model takes and gives, written and read by the same code.

Imports neither torch nor Lightning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lightning_app.ensembles.predictor import MIRROR
from lightning_app.export.file_records import FileRecord, Quantised, Verified
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import read_record, write_record

LARGEST_LABEL = 255  # a label map has a byte for each voxel
LARGEST_SIZE = 4096  # of a slice, in pixels: memory is taken for so many


@dataclass(frozen=True)
class ImageRecord:
    """What is done to the images of a case before the network.

    Attributes:
        modalities: the channels, in order.
        orientation: of the axes, x first, such as LPS: to the left, to the back, up.
        image_size: height and width to which slices are cropped or padded about their centre.
        window: height and width of the part, centred on the brain, that the network gets; None for
            whole slices. A brain that does not fit gets a larger one.
        window_step: height and width of a larger window are multiples of it.
        brain: the numbers by which the brain is found.
        normalisation: in words.
    """

    modalities: Sequence[str]
    orientation: str
    image_size: tuple[int, int]
    window: tuple[int, int] | None
    window_step: int
    brain: Mapping[str, float]
    normalisation: str

    @classmethod
    def from_values(cls, values: Values) -> "ImageRecord":
        """From ``images`` of model.json. Raises RecordError."""
        brain = values.values("brain")
        return cls(
            _different(values, "modalities"),
            values.text("orientation"),
            _size(values, "image_size"),
            _size(values, "window") if values.has("window") else None,
            values.whole_number("window_step"),
            {name: brain.number(name) for name in brain.content},
            values.text("normalisation"),
        )


@dataclass(frozen=True)
class LabelRecord:
    """A value of a label map; later ones overwrite earlier ones.

    Attributes:
        value: that is written.
        of_class: the class whose mask has it.
        meaning: in words.
    """

    value: int
    of_class: str
    meaning: str

    @classmethod
    def from_values(cls, values: Values) -> "LabelRecord":
        """From one of ``output.labels`` of model.json. Raises RecordError."""
        value = values.whole_number("value")
        if not 0 < value <= LARGEST_LABEL:
            raise RecordError(
                values.path, f"{values.name}.value is {value}, expected 1 to {LARGEST_LABEL}"
            )
        return cls(value, values.text("class"), values.text("meaning"))


@dataclass(frozen=True)
class OutputRecord:
    """What is done to the probabilities of a case.

    Attributes:
        target: its name in ``data.target``.
        classes: names of the masks. The graph has a channel for each; with exclusive classes
            channel 0 is the background.
        exclusive: whether a pixel belongs to the most probable class; otherwise it belongs to all
            whose probability is above the threshold.
        postprocessing: the threshold, and the operations on the masks of whole volumes.
        labels: the values of a label map.
    """

    target: str
    classes: Sequence[str]
    exclusive: bool
    postprocessing: Postprocessing
    labels: Sequence[LabelRecord]

    @classmethod
    def from_values(cls, values: Values) -> "OutputRecord":
        """From ``output`` of model.json. Raises RecordError."""
        classes, exclusive = _different(values, "classes"), values.switch("exclusive")
        try:
            postprocessing = Postprocessing.from_json(values.content)
        except ValueError as error:
            raise RecordError(values.path, str(error)) from None
        if reason := postprocessing.why_unfit(classes, exclusive=exclusive):
            raise RecordError(values.path, reason)
        labels = [LabelRecord.from_values(label) for label in values.list_of_values("labels")]
        if unknown := [label.of_class for label in labels if label.of_class not in classes]:
            raise RecordError(values.path, f"a label is of the unknown class '{unknown[0]}'")
        if not labels:
            raise RecordError(values.path, f"{values.name}.labels is empty")
        return cls(values.text("target"), classes, exclusive, postprocessing, labels)

    @property
    def channels(self) -> int:
        """Of the graph's output."""
        return len(self.classes) + self.exclusive

    def to_json(self) -> dict[str, Any]:
        """What ``from_values`` reads."""
        labels = [
            {"value": label.value, "class": label.of_class, "meaning": label.meaning}
            for label in self.labels
        ]
        named = {"target": self.target, "classes": self.classes, "exclusive": self.exclusive}
        return {**named, **self.postprocessing.to_json(), "labels": labels}


@dataclass(frozen=True)
class ExportedRun:
    """A training whose weights are in the model.

    Attributes:
        run: its experiment and name.
        network: the class.
        epoch: of the weights, from 0.
        commit: of the program that trained it; empty if it is not known.
    """

    run: str
    network: str
    epoch: int
    commit: str

    @classmethod
    def from_values(cls, values: Values) -> "ExportedRun":
        """From one of ``runs`` of model.json. Raises RecordError."""
        epoch = values.whole_number("epoch")
        return cls(values.text("run"), values.text("network"), epoch, values.text("commit", ""))


@dataclass(frozen=True)
class TrainingRecord:
    """The data of the training.

    Attributes:
        name: of their folder.
        kind: phantom or files.
        releases: of BraTS; empty if they are not known.
        slices: which slices the network was trained on.
        patients: seen in training, or when the epoch was chosen.
        spacing: range of the distance between voxels in mm, by axis.
    """

    name: str
    kind: str
    releases: Sequence[str]
    slices: str | list[int]
    patients: int
    spacing: Mapping[str, Sequence[float]]

    @classmethod
    def from_values(cls, values: Values) -> "TrainingRecord":
        """From ``training_data`` of model.json. Raises RecordError."""
        spacing = values.values_or_none("spacing")
        return cls(
            values.text("name"),
            values.text("kind"),
            values.texts("releases") if values.content.get("releases") else [],
            values.choice("slices"),
            values.whole_number("patients"),
            {axis: spacing.numbers(axis, 2) for axis in spacing.content},
        )


@dataclass(frozen=True)
class ModelRecord:
    """model.json.

    Attributes:
        runs: whose weights are in the model; the mean of their probabilities is its output.
        tta: mirror if the mean is also over mirror images.
        images: what the model takes.
        output: what it gives.
        training_data: what it was trained on.
        program: version, commit, and whether files differed from it, of the program that wrote it.
        date: when it was written.
        licence: for the user to fill in; None before.
        verification: by file.
        files: the others of the folder, by name.
        quantised: how it was quantised; None if it was not.
    """

    runs: Sequence[ExportedRun]
    tta: str | None
    images: ImageRecord
    output: OutputRecord
    training_data: TrainingRecord
    program: Mapping[str, Any]
    date: str
    licence: str | None = None
    verification: Mapping[str, Verified] = field(default_factory=dict)
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    quantised: Quantised | None = None

    @property
    def identity(self) -> object:
        """The same for two exports of the same runs."""
        return sorted(run.run for run in self.runs), self.tta


def write_model_record(path: Path, record: ModelRecord) -> None:
    """Write model.json."""
    write_record(path, {**asdict(record), "output": record.output.to_json()})


def read_model_record(path: Path) -> ModelRecord:
    """Read model.json.

    Raises:
        RecordError: it is damaged, incomplete, or of a later version.
        FileNotFoundError: there is none.
    """
    values = Values(read_record(path), path)
    verification, files = values.values_or_none("verification"), values.values_or_none("files")
    runs = [ExportedRun.from_values(run) for run in values.list_of_values("runs")]
    if not runs:
        raise RecordError(path, "runs is empty")
    return ModelRecord(
        runs,
        _tta(values),
        ImageRecord.from_values(values.values("images")),
        OutputRecord.from_values(values.values("output")),
        TrainingRecord.from_values(values.values("training_data")),
        values.values_or_none("program").content,
        values.text("date", ""),
        values.text("licence") if values.has("licence") else None,
        {name: Verified.from_values(verification.values(name)) for name in verification.content},
        {name: FileRecord.from_values(files.values(name)) for name in files.content},
        Quantised.from_values(values.values("quantised")) if values.has("quantised") else None,
    )


def _different(values: Values, name: str) -> list[str]:
    """Names of which none is given twice."""
    names = values.texts(name)
    if len(set(names)) < len(names):
        raise RecordError(values.path, f"{values.name}.{name} is {names}, expected different names")
    return names


def _tta(values: Values) -> str | None:
    found = values.text("tta") if values.has("tta") else None
    if found not in {None, MIRROR}:
        raise RecordError(values.path, f"tta is '{found}', expected null or {MIRROR}")
    return found


def _size(values: Values, name: str) -> tuple[int, int]:
    """Height and width."""
    height, width = values.numbers(name, 2)
    if not all(size.is_integer() and 0 < size <= LARGEST_SIZE for size in (height, width)):
        raise RecordError(
            values.path,
            f"{values.name}.{name} is [{height:g}, {width:g}], expected whole numbers from 1 to "
            f"{LARGEST_SIZE}",
        )
    return int(height), int(width)
