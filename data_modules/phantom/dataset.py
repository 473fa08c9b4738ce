"""A data set of phantoms on disk, in the layout of BraTS 2023."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from filelock import FileLock
from numpy.typing import NDArray

from data_modules.catalog.source import MANIFEST
from data_modules.io.writers import write_whole
from data_modules.phantom.anatomy.grids import FULL_DEPTH
from data_modules.phantom.case import CaseId, case_ids, phantom_case
from data_modules.phantom.scanner import MODALITIES
from data_modules.utils.process_pool import cores, run_in_order
from data_modules.utils.progress import tracked

# Increase it whenever the same arguments give other bytes; older folders are then refused.
GENERATOR_VERSION = 1
_TEMPORARY = ".phantom"  # prefix of our locks and of the unfinished manifest
_UNFINISHED = (".BraTS-GLI-*.part", ".partial-*")  # cases; the second is of earlier versions


def write_phantom(
    output: Path,
    cases: int,
    depth: int,
    seed: int,
    processes: int | None = None,
    modalities: Sequence[str] = MODALITIES,
) -> list[str]:
    """Write ``cases`` scans as ``<output>/<id>/<id>-<modality>.nii.gz`` and ``<id>-seg.nii.gz``.

    Images are int16 and labels uint8 (0 background, 1 necrotic core, 2 oedema, 3 enhancing), both
    240 x 240 x ``depth`` voxels of 1 x 1 x 155/``depth`` mm. The bytes depend on the arguments and
    the machine, but not on ``processes``; case k of a seed is the same for every number of cases.
    If an earlier call was killed, its folder is completed and its finished cases are kept.

    Args:
        output: the data set's folder: new, empty, or written with the same arguments.
        cases: number of scans; about one patient in ten has two.
        depth: axial slices of a scan, from 1 (the middle slice) to 155.
        seed: seed of all random numbers, at least 0.
        processes: worker processes; None for one per available core.
        modalities: which of t1n, t1c, t2w and t2f to write.

    Returns:
        The case ids in order.

    Raises:
        ValueError: an argument is out of range, or the folder holds other data.
    """
    _check(cases, depth, seed, processes, modalities)
    arguments = {"cases": cases, "depth": depth, "seed": seed, "modalities": list(modalities)}
    _claim(output, {"generator": "phantom", "version": GENERATOR_VERSION, **arguments})
    ids = case_ids(seed, cases)
    write = partial(_write_case, output, seed, depth, tuple(modalities))
    if _missing(output, ids, modalities):
        with _exclusive(output):
            if missing := _missing(output, ids, modalities):
                _run(write, missing, processes or cores())
    return [str(case) for case in ids]


def _check(
    cases: int, depth: int, seed: int, processes: int | None, modalities: Sequence[str]
) -> None:
    if cases < 1:
        raise ValueError(f"cases is {cases}: expected 1 or more")
    if not 1 <= depth <= FULL_DEPTH:
        raise ValueError(f"depth is {depth}: expected 1 to {FULL_DEPTH} slices")
    if seed < 0:
        raise ValueError(f"seed is {seed}: expected 0 or more")
    if processes is not None and processes < 1:
        raise ValueError(f"processes is {processes}: expected 1 or more")
    unknown = sorted(set(modalities) - set(MODALITIES))
    if unknown or not modalities or len(set(modalities)) < len(modalities):
        raise ValueError(
            f"modalities is {list(modalities)}: expected one or more of {', '.join(MODALITIES)}"
        )


def _claim(output: Path, manifest: dict[str, object]) -> None:
    """Write the manifest into a new folder, or check the one in an existing folder."""
    if output.exists() and not output.is_dir():
        raise ValueError(f"output is {output}, a file: expected a folder")
    output.mkdir(parents=True, exist_ok=True)
    path = output / MANIFEST
    # Listed before the manifest is looked for: another process may be writing it right now.
    foreign = any(not entry.name.startswith(_TEMPORARY) for entry in output.iterdir())
    if not path.is_file():
        if foreign:
            raise ValueError(f"output is {output}, which holds other files: expected a new folder")
        _write_manifest(path, manifest)
    try:
        existing = json.loads(path.read_text())
    except ValueError:
        existing = None
    if existing != manifest:
        raise ValueError(
            f"output is {output}, which holds another phantom "
            f"({_differences(existing, manifest)}): expected a new folder or the same arguments"
        )


def _write_manifest(path: Path, manifest: dict[str, object]) -> None:
    """Write the manifest, unless another process just has."""
    with FileLock(path.with_name(f"{_TEMPORARY}-manifest.lock")):
        if path.exists():
            return
        temporary = path.with_name(f"{_TEMPORARY}.json.part")
        try:
            temporary.write_text(json.dumps(manifest, indent=2) + "\n")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _differences(existing: object, manifest: dict[str, object]) -> str:
    if not isinstance(existing, dict):
        return f"its {MANIFEST} cannot be read"
    return ", ".join(
        f"{key} {existing.get(key)} instead of {value}"
        for key, value in manifest.items()
        if existing.get(key) != value
    )


def _missing(output: Path, ids: Sequence[CaseId], modalities: Sequence[str]) -> list[int]:
    """Indices of the cases that lack any of their files."""
    return [
        index
        for index, case in enumerate(ids)
        if not all(
            (output / str(case) / f"{case}-{kind}.nii.gz").is_file()
            for kind in (*modalities, "seg")
        )
    ]


@contextmanager
def _exclusive(output: Path) -> Iterator[None]:
    """Hold the folder's lock, since several processes may write at once; remove partial cases."""
    with FileLock(output / f"{_TEMPORARY}.lock"):
        try:
            yield
        finally:
            for leftover in chain.from_iterable(map(output.glob, _UNFINISHED)):
                shutil.rmtree(leftover, ignore_errors=True)


def _run(write: Callable[[int], None], indices: Sequence[int], processes: int) -> None:
    """Write the cases ``indices``, with a progress bar on standard error."""
    with closing(run_in_order(write, indices, min(processes, len(indices)))) as written:
        for _ in tracked(written, "Phantom", len(indices)):
            pass


def _write_case(output: Path, seed: int, depth: int, modalities: Sequence[str], index: int) -> None:
    """Write a case into a temporary folder, which is renamed when it is complete.

    If the case's folder exists, only the files that it lacks are moved there.
    """
    case = phantom_case(seed, index, depth, modalities)
    final, temporary = output / case.name, output / f".{case.name}.part"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    for modality, image in case.images.items():
        _write_volume(temporary / f"{case.name}-{modality}.nii.gz", image)
    _write_volume(temporary / f"{case.name}-seg.nii.gz", case.labels)
    if not final.exists():
        temporary.rename(final)
        return
    for file in temporary.iterdir():
        if not (final / file.name).exists():
            file.rename(final / file.name)


def _write_volume(path: Path, volume: NDArray[np.int16] | NDArray[np.uint8]) -> None:
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing((1.0, 1.0, FULL_DEPTH / len(volume)))
    image.SetOrigin((0.0, -239.0, 0.0))  # as in BraTS
    write_whole(image, path)
