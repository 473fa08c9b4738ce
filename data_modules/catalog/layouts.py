"""What a folder looks like that has no case, and which of its images are not read."""

from collections.abc import Callable, Collection
from pathlib import Path

from data_modules.catalog.folders import PAIRS, SEARCH_DEPTH, Tree

_DICOM_MARK = (128, b"DICM")  # offset and bytes
_TRIED = 20  # files without extension that are opened to look for it
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")
_VOLUMES = "3-D volumes are needed, one file for each modality"

Check = Callable[[Tree], Path | None]


def no_case(tree: Tree, root: Path, release: str) -> str:
    """The error for a folder without cases: what it has, what it looks like, what was expected."""
    names = sorted(path.name for path in root.iterdir())
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "nothing"
    named = "" if release == "auto" else f" of release {release}"
    return (
        f"no case{named} found in '{root}' or {SEARCH_DEPTH} levels below it; it contains "
        f"{shown}{_description(tree)}; expected folders such as BraTS-GLI-00000-000/ with "
        "BraTS-GLI-00000-000-t1c.nii.gz in them"
    )


def unread(tree: Tree, read: Collection[Path]) -> list[str]:
    """A line for images that are not read, and one for each kind of folders not searched."""
    lines = []
    if images := [path for path in tree.image_files() if path not in read]:
        lines.append(
            "images or archives that are not read, as no case has files of their names: "
            f"{len(images)} ({tree.show(images)})"
        )
    if tree.closed:
        lines.append(
            f"folders that may not be listed: {len(tree.closed)} ({tree.show(tree.closed)})"
        )
    if tree.too_deep:
        lines.append(
            f"folders that are not searched, as they lie more than {SEARCH_DEPTH} levels down: "
            f"{len(tree.too_deep)} ({tree.show(tree.too_deep)})"
        )
    return lines


def _description(tree: Tree) -> str:
    """The layout by which the folder may be known, and what to do about it."""
    for check, layout, remedy in _LAYOUTS:
        if example := check(tree):
            return f", and looks like {layout} ('{tree.relative(example)}'): {remedy}"
    return ""


def _entry(tree: Tree, matches: Callable[[Path], bool]) -> Path | None:
    entries = (path for folder in tree.folders for path in folder.entries)
    return next(filter(matches, entries), None)


def _ending(*endings: str) -> Check:
    return lambda tree: _entry(tree, lambda path: path.name.lower().endswith(endings))


def _nnunet(tree: Tree) -> Path | None:
    return _entry(tree, lambda path: path.parent.name == "imagesTr" and "_0000." in path.name)


def _bids(tree: Tree) -> Path | None:
    return _entry(tree, lambda path: path.name == "anat" and "sub-" in str(tree.relative(path)))


def _dicom(tree: Tree) -> Path | None:
    plain = [p for f in tree.folders for p in f.entries if not p.suffix and p.is_file()]
    marked = next((path for path in plain[:_TRIED] if _has_dicom_mark(path)), None)
    return marked or _ending(".dcm", ".ima")(tree)


def _has_dicom_mark(path: Path) -> bool:
    offset, mark = _DICOM_MARK
    try:
        with path.open("rb") as file:
            return file.read(offset + len(mark))[offset:] == mark
    except OSError:
        return False


# The first check that finds an example decides.
_LAYOUTS: tuple[tuple[Check, str, str], ...] = (
    (_nnunet, "nnU-Net's raw data without dataset.json", "add that file beside imagesTr"),
    (_bids, "BIDS", "copy or link the images of each subject into a folder as below"),
    (_dicom, "DICOM", "convert each series to .nii.gz, for example with dcm2niix"),
    (_ending(".tif", ".tiff"), "slices as .tif, such as Kaggle's LGG", _VOLUMES),
    (_ending(".h5", ".hdf5"), "slices as .h5, such as Kaggle's BraTS 2020", _VOLUMES),
    (_ending(*_ARCHIVES), "an archive that was not unpacked", "unpack it"),
    (_ending(*PAIRS), "pairs of .hdr and .img", "convert each to .nii.gz"),
)
