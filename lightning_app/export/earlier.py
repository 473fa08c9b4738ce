"""The earlier export that a new one replaces, and what must not be replaced."""

from pathlib import Path

from lightning_app.export.folder import ExportFolder, digest
from lightning_app.export.record import ModelRecord, read_model_record
from lightning_app.runs.record_values import RecordError
from lightning_app.utils.errors import UsageError

_ELSEWHERE = "name a new or empty folder"


def earlier_export(output: Path, identity: object) -> ModelRecord | None:
    """The record of an unchanged export of the same runs; None for a new or an empty folder.

    Args:
        output: the folder.
        identity: of the runs, as ``ModelRecord.identity``.

    Raises:
        UsageError: it holds anything else.
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output '{output}' is a file: expected a folder")
    if not output.exists() or not any(output.iterdir()):
        return None
    folder = ExportFolder(output)
    record = _record(folder)
    if record.identity != identity:
        whose = ", ".join(run.run for run in record.runs)
        mirrored = " on mirrored images" if record.tta else ""
        raise UsageError(f"--output '{output}' is an export of {whose}{mirrored}: {_ELSEWHERE}")
    if foreign := folder.foreign():
        more = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        raise UsageError(
            f"--output '{output}' holds {foreign[0]}{more}, which no export wrote and a new export "
            f"would delete: move it away, or {_ELSEWHERE}"
        )
    for path in folder.files():
        written = record.files.get(path.name)
        if written is None or written.sha256 != digest(path):
            raise UsageError(
                f"--output '{output}': {path.name} was changed since export wrote it: move it "
                f"away, or {_ELSEWHERE}"
            )
    return record


def _record(folder: ExportFolder) -> ModelRecord:
    try:
        return read_model_record(folder.record)
    except (FileNotFoundError, RecordError):
        raise UsageError(
            f"--output '{folder.path}' exists and holds no earlier export: {_ELSEWHERE}"
        ) from None
