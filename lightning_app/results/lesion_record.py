"""lesions.csv: the lesions of tested cases, and where they are. Imports no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightning_app.metrics.case_tables import CaseScores
from lightning_app.metrics.volume.lesions import LesionKind
from lightning_app.metrics.volume.masks import Box
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import RecordError, column, whole_number
from lightning_app.runs.records import read_rows
from lightning_app.utils.json_csv import write_csv

LESION_COLUMNS = ("lesion", "volume_ml", "kind", "dice", "hd95")
_WHOSE = ("case", "patient", "class")
_KINDS = {str(kind): kind for kind in LesionKind}
# The smallest box around a lesion: its first and last voxel along each axis.
_BOX = ("first_slice", "last_slice", "first_row", "last_row", "first_column", "last_column")


@dataclass(frozen=True)
class RecordedLesion:
    """A lesion of a tested case.

    Attributes:
        case: its case.
        target: the name of its class.
        kind: found, missed or invented.
        box: where it is in the volume.
    """

    case: str
    target: str
    kind: LesionKind
    box: Box


def lesion_rows(
    scored: Sequence[CaseScores], classes: Sequence[str]
) -> Iterator[tuple[tuple[str, str, str], list[object], Box]]:
    """For each lesion: whose it is, the values of ``LESION_COLUMNS``, and its box.

    The lesions of a case and class are numbered from 1.
    """
    for case in scored:
        for name, lesions in zip(classes, case.lesions, strict=True):
            for number, lesion in enumerate(lesions, start=1):
                values = [number, lesion.volume, str(lesion.kind), lesion.dice, lesion.hd95]
                yield (case.case, case.patient, name), values, lesion.box


def write_lesions(folder: TestFolder, scored: Sequence[CaseScores], classes: Sequence[str]) -> None:
    """Write lesions.csv: a row for each lesion; no row if lesions are not defined."""
    rows = (
        (*whose, *values, *(end for part in box for end in (part.start, part.stop - 1)))
        for whose, values, box in lesion_rows(scored, classes)
    )
    write_csv(folder.lesions, (*_WHOSE, *LESION_COLUMNS, *_BOX), rows)


def read_lesions(folder: TestFolder) -> list[RecordedLesion]:
    """Read lesions.csv; empty for a test of an earlier version, which has none.

    Raises:
        RecordError: it is damaged.
    """
    path = folder.lesions
    try:
        rows = read_rows(path, (*_WHOSE, *LESION_COLUMNS, *_BOX))
    except FileNotFoundError:
        return []
    if unknown := {row["kind"] for row in rows} - _KINDS.keys():
        raise RecordError(path, f"a lesion is '{min(unknown)}', expected {', '.join(_KINDS)}")
    ends = zip(*(column(rows, name, whole_number, path) for name in _BOX), strict=True)
    return [
        RecordedLesion(row["case"], row["class"], _KINDS[row["kind"]], _box(box))
        for row, box in zip(rows, ends, strict=True)
    ]


def _box(ends: Sequence[int]) -> Box:
    z, y, x = (slice(ends[axis], ends[axis + 1] + 1) for axis in (0, 2, 4))
    return z, y, x
