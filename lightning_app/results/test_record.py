"""metrics.json of a test, written and read by the same code.

Imports no torch: a report reads many tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightning_app.ensembles.member_record import MEMBERS_KEY, Members
from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.score import Result
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import DataRecord, read_record, write_record
from lightning_app.utils.text import is_file_name, printable

POSTPROCESSING_KEY = "postprocessing"  # in metrics.json
POSTPROCESSING = "post-processing"  # a setting of a test, beside the options of its run


@dataclass(frozen=True)
class TestRecord:
    """metrics.json.

    Attributes:
        data: what was tested.
        epoch: the epoch of the tested weights; None for an ensemble, whose members have them.
        members: of an ensemble; none for a run by itself.
        computed_with: precision and acceleration, such as "bf16-mixed, channels_last"; empty if an
            earlier version did not record it.
        patients_trained_on: tested patients on which the run was trained or its epoch chosen.
        accuracy_of_nothing: by class, of predicting no pixel at all.
        scores: the count scores.
        volumes: the volume scores; empty if an earlier version did not compute them.
        postprocessing: what was done to the masks, which may have been nothing; None if nobody
            asked what to do.
    """

    __test__ = False  # pytest, this is not a test
    data: DataRecord
    epoch: int | None
    members: Members
    computed_with: str
    patients_trained_on: int
    accuracy_of_nothing: Mapping[str, float]
    scores: Results
    volumes: Results
    postprocessing: Postprocessing | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What tests may differ in, as options of a run are."""
        return {POSTPROCESSING: str(self.postprocessing is not None)}

    @property
    def epochs(self) -> list[int]:
        """The epochs of the tested weights, one for each run."""
        members = [member.epoch for member in self.members.runs]
        return members if self.epoch is None else [self.epoch]


def write_test(
    folder: TestFolder,
    facts: Mapping[str, Any],
    scores: Results,
    volumes: Results,
    raw: tuple[Results, Results] | None = None,
) -> None:
    """Write metrics.json.

    Args:
        folder: of the test.
        facts: everything except scores: data, checkpoint, how the scores were computed.
        scores: the count scores.
        volumes: the volume scores.
        raw: both without post-processing; None if there was none.
    """
    content = {**facts, "scores": _to_json(scores), "volumes": _to_json(volumes)}
    if raw is not None:
        content |= {"scores_raw": _to_json(raw[0]), "volumes_raw": _to_json(raw[1])}
    write_record(folder.metrics, content)


def read_test(folder: TestFolder) -> TestRecord:
    """Read metrics.json of this or an earlier version.

    Raises:
        RecordError: damaged, incomplete, or of a later version.
        FileNotFoundError: there is none.
    """
    values = Values(read_record(folder.metrics), folder.metrics)
    shares, scores = values.values("accuracy_of_nothing"), _scores(values.values("scores"))
    if not scores:
        raise RecordError(folder.metrics, "scores is empty")
    return TestRecord(
        data=DataRecord.from_values(values.values("data")),
        epoch=None if values.has(MEMBERS_KEY) else _epoch(values),
        members=Members.from_values(values),
        computed_with=_computed_with(values.values_or_none("computed_with")),
        patients_trained_on=values.whole_number("patients_trained_on"),
        accuracy_of_nothing={name: shares.number(name) for name in scores},
        scores=scores,
        volumes=_scores(values.values_or_none("volumes")),
        postprocessing=_postprocessing(values),
    )


def is_complete(folder: TestFolder) -> bool:
    """Whether a test that wrote metrics.json also wrote what a report needs beside it.

    An earlier version wrote the files one by one, and a kill left only the first of them.

    Raises:
        RecordError, OSError: as ``read_test`` does.
    """
    needed = [folder.slices, folder.cases, folder.masks]
    if read_record(folder.metrics).get("volumes"):
        needed.append(folder.volumes)
    return all(path.is_file() for path in needed)


def _to_json(results: Results) -> dict[str, Any]:
    return {
        name: {score: result_to_json(result) for score, result in scores.items()}
        for name, scores in results.items()
    }


def result_to_json(result: Result) -> dict[str, float | None]:
    """Value, interval and, for a volume score, number of cases as JSON."""
    low, high = result.interval or (None, None)
    number = {} if result.n is None else {"n": result.n}
    return {"value": result.value, "low": low, "high": high, **number}


def _scores(values: Values) -> dict[str, dict[str, Result]]:
    """The results in metrics.json, by class and name of the score."""
    results = {}
    for name in values.content:
        if not is_file_name(name):
            raise RecordError(values.path, f"scores are of {name!r}, expected the name of a class")
        scores = values.values(name)
        results[name] = {score: _result(scores.values(score)) for score in scores.content}
    return results


def _result(values: Values) -> Result:
    value = values.number("value") if values.has("value") else None
    interval = (values.number("low"), values.number("high")) if values.has("low") else None
    n = values.whole_number("n") if values.has("n") else None
    return Result(value, interval, n)


def _postprocessing(values: Values) -> Postprocessing | None:
    if not values.has(POSTPROCESSING_KEY):
        return None
    try:
        return Postprocessing.from_json(values.values(POSTPROCESSING_KEY).content)
    except ValueError as error:
        raise RecordError(values.path, f"{POSTPROCESSING_KEY}: {error}") from None


def _epoch(values: Values) -> int:
    return values.values("checkpoint").whole_number("epoch")


def _computed_with(values: Values) -> str:
    """What was on, such as "bf16-mixed, channels_last"."""
    if not values.content:
        return ""
    acceleration = values.values("acceleration").content
    options = (printable(name) for name, value in acceleration.items() if value)
    return ", ".join((values.text("precision"), *options))
