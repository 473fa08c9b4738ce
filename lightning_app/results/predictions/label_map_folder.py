"""The folder of a prediction: it replaces nothing but what the same runs have written."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import xxhash

from callbacks.utils.atomic_write import atomic_write
from callbacks.utils.unfinished import remove_leftovers
from data_modules.catalog.cases import Case
from data_modules.utils.words import counted
from lightning_app.results.plots import SOURCE
from lightning_app.utils.errors import UsageError
from lightning_app.utils.json_csv import read_json, write_json

Note = dict[str, Any]

_KEYS = {"labels", "target", "modalities", "input", "run", "voxels"}  # of a note, in every version
PICTURES, PROBABILITIES = "pictures", "probabilities"  # folders below that of the label maps
_ELSEWHERE = "name another folder"


class Weights(Protocol):
    """Whose weights predict: a run, several, or an exported model."""

    @property
    def note(self) -> Note:
        """What the note of a mask says of them: ``run``, and what else makes them different."""


@dataclass(frozen=True)
class LabelMapFolder:
    """Writes label maps, or probabilities, each with a JSON file (its note) that says what it is.

    The note is there before its mask. So a mask always has its note, and a note without a mask was
    left by a kill.

    Attributes:
        path: gets ``<case>.nii.gz`` and ``<case>.json``.
        weights: that predict.
        overwrite: whether masks of other runs, or of other inputs, may be replaced.
        has_pictures: whether ``pictures/<case>.png`` is drawn too.
    """

    path: Path
    weights: Weights
    overwrite: bool = False
    has_pictures: bool = False

    def picture(self, case: str) -> Path:
        """The picture of a case."""
        return self.path / PICTURES / f"{case}.png"

    def prepare(self, cases: Sequence[Case], modality: str) -> None:
        """Make the folder, and remove what killed predictions left in it.

        Args:
            cases: all that will be predicted.
            modality: the note names the file of this one as the input.

        Raises:
            UsageError: a file is in the way.
            OSError: the folder cannot be made, or an earlier mask cannot be read.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"--output '{self.path}' is a file: expected a folder")
        inputs = {_identity(file) for case in cases for file in _files(case)} - {None}
        reasons = [
            reason
            for case in cases
            if (reason := self._input(case.id, inputs) or self.refusal(case, modality))
        ]
        if reasons:
            more = f" (and {counted(len(reasons) - 1, 'more file')})" if len(reasons) > 1 else ""
            raise UsageError(f"--output '{self.path}': {reasons[0]}{more}")
        self.path.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.path)

    def refusal(self, case: Case, modality: str) -> str | None:
        """Why the label map of a case must not be written; None if it may be."""
        mask, note = self._mask(case.id), self._note(case.id)
        there = [path for path in (mask, note) if os.path.lexists(path)]
        written = read_note(note)
        picture = self.picture(case.id)
        if self.has_pictures and os.path.lexists(picture) and not _is_drawn(picture):
            return (
                f"{picture.relative_to(self.path)} was not drawn by predict: move it away, or "
                f"{_ELSEWHERE}"
            )
        if there and written is None:
            return f"{there[0].name} was not written by predict: move it away, or {_ELSEWHERE}"
        if written is None or mask not in there:
            return None
        if written.get("digest") not in {None, _digest(mask)}:
            return f"{mask.name} was changed since predict wrote it: move it away, or {_ELSEWHERE}"
        if not self.overwrite and (other := self._other(written, case.images[modality])):
            return f"{mask.name} is of {other}: {_ELSEWHERE}, or replace it with --overwrite"
        return None

    def write(self, case: str, write_mask: Callable[[Path], Note]) -> None:
        """Write a label map and its note.

        Args:
            case: its id.
            write_mask: writes the mask to a path and returns the note.

        Raises:
            OSError: they cannot be written; earlier ones are kept.
        """
        mask, note = self._mask(case), self._note(case)
        with atomic_write(mask) as new_mask:
            content = write_mask(new_mask)
            about = {**self.weights.note, "digest": _digest(new_mask)}
            with atomic_write(note) as new_note:
                write_json(new_note, {**content, **about})
                mask.unlink(missing_ok=True)  # its note is replaced first

    def _mask(self, case: str) -> Path:
        return self.path / f"{case}.nii.gz"

    def _note(self, case: str) -> Path:
        return self.path / f"{case}.json"

    def _other(self, written: Note, source: Path) -> str | None:
        """The other run or the other input that an earlier mask is of; None if both are ours."""
        if _identities(written) != _identities(self.weights.note):
            return _in_words(written)
        return None if written["input"] == str(source) else f"'{written['input']}'"

    def _input(self, case: str, inputs: set[tuple[int, int] | None]) -> str | None:
        pictures = [self.picture(case)] if self.has_pictures else []
        for path in (self._mask(case), self._note(case), *pictures):
            if _identity(path) in inputs:
                return f"{path.name} is an input file, which predict would replace: {_ELSEWHERE}"
        return None


def _is_drawn(picture: Path) -> bool:
    """Whether a picture is one of ours: by its source or, of earlier versions, by its program."""
    try:
        with picture.open("rb") as file:
            head = file.read(1024)
    except OSError:
        return False
    return any(name.encode() in head for name in (SOURCE, "Matplotlib"))


def _files(case: Case) -> list[Path]:
    segmentation = [] if case.segmentation is None else [case.segmentation]
    return [*case.images.values(), *segmentation]


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for two paths of one file, as for ``os.path.samefile``; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def read_note(path: Path) -> Note | None:
    """A note of ours; None if there is none, or another file of its name."""
    try:
        content: Any = read_json(path)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.keys() >= _KEYS else None


def _members(note: Note) -> list[str]:
    members = note.get("members")
    return list(map(str, members if isinstance(members, list) else [note["run"]]))


def _identities(note: Note) -> object:
    """The same for notes of the same weights; the runs may have been moved."""
    runs = sorted(Path(run).parts[-2:] for run in _members(note))
    return runs, note.get("tta"), note.get("quantise")


def _in_words(note: Note) -> str:
    members = _members(note)
    runs = f"an ensemble of {len(members)} runs" if members[1:] else f"run '{members[0]}'"
    mirrored = " on mirrored images" if note.get("tta") else ""
    quantised = f" in {note['quantise']}" if note.get("quantise") else ""
    return f"{runs}{mirrored}{quantised}"


def _digest(path: Path) -> str:
    """Of the bytes of a file."""
    return xxhash.xxh3_128_hexdigest(path.read_bytes())
