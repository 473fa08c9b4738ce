"""Finding the cases and patients in a folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_modules.catalog.folders import SEARCH_DEPTH, Folder, is_image, search, stem_of
from data_modules.catalog.layouts import no_case, unread
from data_modules.catalog.nnunet import numbered_files, read_release
from data_modules.catalog.releases import Release, patient_of, release_of, releases_named
from data_modules.utils.errors import DataError
from data_modules.utils.problems import COPY_AGAIN, Problem

STACKS = {
    "imagesTr": "labelsTr",
    "imagesTs": "labelsTs",
}  # folder of images of many cases: folder of their labels


@dataclass(frozen=True)
class Case:
    """One scan of one patient.

    Attributes:
        id: The name of its folder.
        patient: Who was scanned; a patient may have several cases.
        folder: The folder of its files.
        release: The release whose conventions its files follow.
        images: The file of each available modality.
        segmentation: The file of the labels, if there is one.
        problems: What is wrong with how its files are stored.
        unused: Images in its folder that are none of its modalities, or in another format.
    """

    id: str
    patient: str
    folder: Path
    release: Release
    images: Mapping[str, Path]
    segmentation: Path | None
    problems: tuple[Problem, ...] = ()
    unused: tuple[Path, ...] = ()

    def channel(self, modality: str) -> int | None:
        """Index of a modality in its 4-D file; None for a 3-D file."""
        return self.release.channels.get(modality)

    @property
    def files(self) -> set[Path]:
        """Its images and its segmentation."""
        return {*self.images.values(), *filter(None, [self.segmentation])}


@dataclass(frozen=True)
class Catalog:
    """What was found in a folder.

    Attributes:
        root: The folder, as an absolute path without links.
        cases: Its cases, sorted by id.
        remarks: What in it is not read, in a line each.
    """

    root: Path
    cases: list[Case]
    remarks: list[str]


def find_cases(root: Path, release: str = "auto", levels: int = SEARCH_DEPTH) -> list[Case]:
    """The cases that ``read_catalog`` finds."""
    return read_catalog(root, release, levels=levels).cases


def read_catalog(
    root: Path, release: str = "auto", option: str = "data.root", levels: int = SEARCH_DEPTH
) -> Catalog:
    """Find every case in a folder and the folders below it.

    Duplicates of a case are returned as one case with a problem.

    Args:
        root: The folder: a case itself, or a few levels above the cases.
        release: Name of a release, or ``auto``.
        option: Name of the root in error messages.
        levels: How many levels of folders below it are searched.

    Raises:
        DataError: The root is not a folder, has no case, or a name is not in UTF-8.
    """
    releases = releases_named(release)
    if not root.is_dir():
        raise DataError(f"{option} '{root}' is not a folder")
    tree = search(root.resolve(), levels)
    cases = [case for folder in tree.folders for case in _cases_in(folder, releases)]
    if not cases:
        raise DataError(no_case(tree, root, release))
    by_id: dict[str, list[Case]] = {}
    for case in cases:
        _check_encoding(case.folder)
        by_id.setdefault(case.id, []).append(case)
    merged = [_merge_copies(by_id[case_id]) for case_id in sorted(by_id)]
    explained = {Path(problem.file) for case in cases for problem in case.problems}
    return Catalog(tree.root, merged, unread(tree, explained.union(*(c.files for c in cases))))


def check_case_id(case_id: str) -> None:
    """Check that an id is a plain file name: it names the files that results are written to.

    Raises:
        DataError: It is empty, contains ``..``, a separator or an unprintable character, or begins
            like a formula, which a spreadsheet would execute.
    """
    plain = case_id.isprintable() and not set(case_id) & {"/", "\\", ":"} and ".." not in case_id
    if not plain or not case_id or case_id[0] in "=+-@.":
        raise DataError(
            f"case id {case_id!r}, the name of a folder: expected a name that begins with a letter "
            "or a digit, without '..', separators and line breaks; rename the folder and its files"
        )


def _check_encoding(folder: Path) -> None:
    """Check that a path is in UTF-8: any other would end the process inside ITK."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise DataError(
            f"folder {str(folder)!r} has a name that is not in UTF-8: rename it"
        ) from None


def missing_files(case: Case, modalities: Sequence[str]) -> Problem | None:
    """What training needs and a case lacks; None if nothing is missing."""
    missing = [modality for modality in modalities if modality not in case.images]
    if missing:
        available = ", ".join(case.images) or "no image at all"
        what = f"has no {' and no '.join(missing)} image, only {available}"
    elif case.segmentation is None:
        what = "has no segmentation"
    else:
        return None
    remedy = COPY_AGAIN
    if case.unused:
        what += f"; not read: {', '.join(path.name for path in case.unused)}"
        remedy = "if a file that is not read is what is missing, rename it or convert it to .nii.gz"
    return Problem(case.id, str(case.folder), what, f"{remedy}, or leave the case out")


def _merge_copies(copies: list[Case]) -> Case:
    """A case that was found once or more; with a problem if it was found more than once."""
    # An empty folder is no copy: some archives unpack a case into a folder of the same name.
    with_files = [case for case in copies if case.files] or copies
    first, *others = sorted(with_files, key=lambda case: case.folder)
    if not others:
        return first
    folders = ", ".join(str(case.folder) for case in others)
    what = f"case {first.id} was found {len(with_files)} times: also in {folders}"
    problem = Problem(first.id, str(first.folder), what, "keep one of the copies")
    return replace(first, problems=(*first.problems, problem))


def _cases_in(folder: Folder, releases: Sequence[Release]) -> list[Case]:
    """The case of a folder, or the cases whose images it holds."""
    if folder.path.name in STACKS:
        stacked = [case for r in releases if r.channels for case in _stacked_cases(folder, r)]
        numbered = [case for r in releases if r.described_in for case in _numbered_cases(folder, r)]
        if stacked or numbered:
            return [*stacked, *numbered]
    case = _case_in(folder, tuple(release for release in releases if not release.channels))
    return [] if case is None else [case]


def _stacked_cases(folder: Folder, release: Release) -> Iterator[Case]:
    """Cases of one 4-D file each."""
    for case_id, path in sorted(folder.images().items()):
        if release.case_id.fullmatch(case_id):
            yield Case(
                id=case_id,
                patient=patient_of(case_id),
                folder=folder.path,
                release=release,
                images=dict.fromkeys(release.images, path),
                segmentation=_labels_beside(path, case_id),
            )


def _numbered_cases(folder: Folder, row: Release) -> Iterator[Case]:
    """Cases of one numbered file for each modality, which nnU-Net's dataset.json explains."""
    files = numbered_files(folder)
    release = read_release(folder.path.parent, row) if files else None
    if release is None:
        return
    for case_id, numbered in files.items():
        check_case_id(case_id)
        stems = release.image_stems(case_id, numbered)
        yield Case(
            id=case_id,
            patient=patient_of(case_id),
            folder=folder.path,
            release=release,
            images={modality: numbered[stem] for modality, stem in stems.items()},
            segmentation=_labels_beside(next(iter(numbered.values())), case_id),
        )


def _labels_beside(image: Path, case_id: str) -> Path | None:
    """The segmentation in the folder of labels, which has the image's extension."""
    ending = image.name.removeprefix(stem_of(image) or "")
    labels = image.parent.parent / STACKS[image.parent.name] / f"{case_id}{ending}"
    return labels if labels.exists() or labels.is_symlink() else None


def _case_in(folder: Folder, releases: tuple[Release, ...]) -> Case | None:
    case_id, files = _id_of(folder.path), folder.images()
    release = release_of(case_id, set(files), releases)
    if release is None:
        # An empty folder named like a case is a case whose files are missing.
        release = next((r for r in releases if r.case_id.fullmatch(case_id)), None)
    if release is None:
        return None
    check_case_id(case_id)
    segmentation = release.segmentation_stem(case_id, files)
    case = Case(
        id=case_id,
        patient=patient_of(case_id),
        folder=folder.path,
        release=release,
        images={m: files[stem] for m, stem in release.image_stems(case_id, files).items()},
        segmentation=None if segmentation is None else files[segmentation],
        problems=tuple(_duplicates(folder, case_id, files)),
    )
    read = {*case.files, *(Path(problem.file) for problem in case.problems)}
    unused = (path for path in folder.entries if is_image(path) and path not in read)
    return replace(case, unused=tuple(unused))


def _duplicates(folder: Folder, case_id: str, files: Mapping[str, Path]) -> Iterator[Problem]:
    """A problem for each image whose place another one takes, such as its compressed copy."""
    chosen = {stem.lower(): path for stem, path in files.items()}
    for path in folder.entries:
        stem = stem_of(path)
        if stem is not None and path != chosen[stem.lower()]:
            what = f"duplicates {chosen[stem.lower()].name} and is not read"
            yield Problem(case_id, str(path), what, "delete one of the two", is_warning=True)


def _id_of(folder: Path) -> str:
    """The name of the folder; a plain number is prefixed with the name of the parent folder."""
    return f"{folder.parent.name}_{folder.name}" if folder.name.isdigit() else folder.name
