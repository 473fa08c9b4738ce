"""postprocessing.json of a run: what was chosen, and on what. Imports no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_app.metrics.paired_tests import Difference
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.folder import Run
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import FORMAT_KEY, read_record, write_record
from lightning_app.tuning.choice import Candidate, Choice, TriedStep
from lightning_app.tuning.objectives import DEFINITION
from lightning_app.tuning.sources import Source, Sources

EPOCH_KEY = "epoch"  # as in a checkpoint


def read_postprocessing(
    path: Path, target: str, classes: Sequence[str], *, exclusive: bool
) -> Postprocessing:
    """Read a file that ``tune`` wrote.

    Args:
        path: the file.
        target: what the masks are of.
        classes: of the target.
        exclusive: whether they exclude one another.

    Raises:
        RecordError: it is damaged, of a later version, or for another target.
        FileNotFoundError: there is none.
    """
    content = read_record(path)
    if FORMAT_KEY not in content:
        raise RecordError(path, f"'{FORMAT_KEY}' is missing: it is not a file that tune wrote")
    found = Values(content, path).text("target")
    if found != target:
        raise RecordError(path, f"target is '{found}', and the masks are of '{target}'")
    try:
        postprocessing = Postprocessing.from_json(content)
    except ValueError as error:
        raise RecordError(path, str(error)) from None
    if reason := postprocessing.why_unfit(classes, exclusive=exclusive):
        raise RecordError(path, f"it does not fit target '{target}': {reason}")
    return postprocessing


def chosen_epoch(path: Path) -> int | None:
    """The epoch of the weights for which a file was written; None if it does not say.

    Raises:
        RecordError: it is damaged.
    """
    values = Values(read_record(path), path)
    return values.whole_number(EPOCH_KEY) if values.has(EPOCH_KEY) else None


def write_choice(
    run: Run,
    target: str,
    choice: Choice,
    sources: Sources,
    provenance: Mapping[str, Any],
) -> None:
    """Write postprocessing.json of a run.

    Args:
        run: whose post-processing was chosen.
        target: what the masks are of.
        choice: what came of it.
        sources: on what it was chosen.
        provenance: for which weights, when, and with which version of the program.
    """
    content = {
        **provenance,
        "target": target,
        **choice.postprocessing.to_json(),
        "reason": choice.reason or None,
        "objective": {
            "definition": DEFINITION,
            "before": choice.before,
            "after": choice.after,
            "gain": choice.gain and _gain(choice.gain),
        },
        "steps": list(map(_step, choice.steps)),
        "chosen_on": {
            "what": sources.in_words,
            "patients": choice.patients,
            "runs": [_source(part, sources) for part in sources.parts],
        },
        "checked_on": sources.own and _source(sources.own, sources),
    }
    write_record(run.postprocessing, content)


def _source(part: Source, sources: Sources) -> dict[str, Any]:
    return {
        "run": f"{part.run.experiment}/{part.run.path.name}",
        "split": part.split,
        "patients": sorted(part.patients - sources.tested),
    }


def _step(step: TriedStep) -> dict[str, Any]:
    return {
        "step": step.name,
        "before": step.before,
        "candidates": list(map(_candidate, step.candidates)),
        "best": _candidate(step.best),
        "gain": _gain(step.gain),
        "own_validation": step.own and dict(zip(("before", "after"), step.own, strict=True)),
        "adopted": step.is_adopted,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {**candidate.postprocessing.to_json(), "objective": candidate.objective}


def _gain(gain: Difference) -> dict[str, float | None]:
    low, high = gain.interval or (None, None)
    return {"value": gain.value, "low": low, "high": high}
