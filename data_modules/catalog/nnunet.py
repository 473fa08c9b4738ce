"""nnU-Net's raw data: its dataset.json says which number is which modality, and what a label means.

Both versions of the file are read: ``channel_names`` and ``labels`` by name, and the older
``modality`` and ``labels`` by number.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_modules.catalog.folders import Folder
from data_modules.catalog.releases import (
    BACKGROUND,
    ENHANCING,
    MODALITIES,
    NECROTIC_CORE,
    OEDEMA,
    Release,
)
from data_modules.utils.errors import DataError

# Names without what is neither a letter nor a digit.
_CHANNELS = {
    "t1n": {"t1", "t1n", "t1w", "t1native"},
    "t1c": {"t1c", "t1ce", "t1gd", "t1wce", "t1post", "t1contrast"},
    "t2w": {"t2", "t2w"},
    "t2f": {"flair", "t2f", "t2flair"},
}
_REGIONS = {"whole": OEDEMA, "core": NECROTIC_CORE, "enhanc": ENHANCING}  # from outside to inside
_CLASSES = (  # the first whose pattern is found in the name
    (r"background|cavity|^rc$", BACKGROUND),
    (r"nonenhanc|necro|cyst|^ncr|^net$", NECROTIC_CORE),
    (r"o?edema|^ed$|^snfh$", OEDEMA),
    (r"enhanc|^et$", ENHANCING),
)
_IGNORED = "ignore"  # nnU-Net's name for what was not annotated


def numbered_files(folder: Folder) -> dict[str, dict[str, Path]]:
    """The files <id>_0000 and so on of each case, by name without extension; cases sorted."""
    cases: dict[str, dict[str, Path]] = {}
    for stem, path in sorted(folder.images().items()):
        if numbered := re.fullmatch(r"(.+)_\d{4}", stem):
            cases.setdefault(numbered[1], {})[stem] = path
    return cases


def read_release(folder: Path, row: Release) -> Release | None:
    """The row of the table with what a data set's description says; None if there is none.

    Raises:
        DataError: The description is unreadable, has no modality of BraTS, or a label whose name
            is unknown.
    """
    path = folder / str(row.described_in)
    if not path.exists():
        return None
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"'{path}' cannot be read: {error}") from None
    if not isinstance(described, dict):
        raise DataError(f"'{path}' holds no names, expected channel_names and labels")
    return replace(row, images=_images(path, described), labels=_labels(path, described))


def _images(path: Path, described: Mapping[str, Any]) -> dict[str, str]:
    """A pattern for the files of each modality."""
    names = _mapping(
        path, described, "channel_names" if "channel_names" in described else "modality"
    )
    number_of = {_plain(str(name)): number for number, name in names.items()}
    images: dict[str, str] = {
        modality: rf"{{case}}_0*{int(number_of[name])}"
        for modality in MODALITIES
        for name in _CHANNELS[modality]
        if name in number_of and str(number_of[name]).isdecimal()
    }
    if not images:
        shown = ", ".join(map(str, names.values()))
        raise DataError(
            f"'{path}' names the channels {shown}, expected some of T1, T1ce, T2 and FLAIR"
        )
    return images


def _labels(path: Path, described: Mapping[str, Any]) -> dict[int, int]:
    """What each value in the files is; a value inside several regions is in the innermost."""
    labels = {BACKGROUND: BACKGROUND}
    named = _mapping(path, described, "labels")
    if all(str(key).isdecimal() for key in named):  # of nnU-Net's first version
        named = {str(name): int(value) for value, name in named.items()}
    depth = {value: rank for rank, value in enumerate(_REGIONS.values())}
    for name, values in named.items():
        if _plain(name) == _IGNORED:
            continue
        label = _region(name) if isinstance(values, list) else _class(name)
        if label is None:
            raise DataError(
                f"'{path}' has the label '{name}', expected names such as edema, necrosis, "
                "non-enhancing tumor, enhancing tumor; or regions: whole tumor, tumor core, "
                "enhancing tumor"
            )
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, int):
                raise DataError(f"'{path}' has the value {value!r} for '{name}', expected a number")
            outer = labels.get(value)
            if outer is None or depth.get(label, -1) > depth.get(outer, -1):
                labels[value] = label
    return labels


def _mapping(path: Path, described: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = described.get(key)
    if not isinstance(value, dict):
        raise DataError(f"'{path}' has {key} {value!r}, expected names and numbers")
    return value


def _region(name: str) -> int | None:
    return next((label for part, label in _REGIONS.items() if part in _plain(name)), None)


def _class(name: str) -> int | None:
    matches = (label for pattern, label in _CLASSES if re.search(pattern, _plain(name)))
    return next(matches, None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
