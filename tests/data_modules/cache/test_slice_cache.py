import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from filelock import FileLock
from numpy.typing import NDArray

from data_modules.cache import slice_cache as cache_module
from data_modules.cache.array_index import INDEX, read_index, write_index
from data_modules.cache.extraction import CaseSlices, ImageJob, LabelJob, read_slices
from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import SliceCache
from data_modules.cache.slice_selection import SliceChoice
from data_modules.catalog.cases import find_cases
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from data_modules.utils.process_pool import Workers
from tests.helpers.paths import ROOT
from tests.helpers.toy import toy_labels, write_case, write_dataset, write_volume
from tests.helpers.waiting import TIMEOUT_S, wait_until

WHOLE, ENHANCING = (1, 2, 3), (3,)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that builds have read, in this process."""
    names: list[str] = []

    def noted(job: LabelJob | ImageJob) -> CaseSlices | Problem:
        names.append(job.path.name)
        return read_slices(job)

    monkeypatch.setattr(cache_module, "read_slices", noted)
    return names


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data", 2)


def opened(
    root: Path,
    cache: SliceCache,
    choice: SliceChoice = "middle",
    modality: str = "t1c",
    target: tuple[int, ...] = WHOLE,
) -> tuple[SliceArray, SliceArray]:
    cases = find_cases(root)
    labels = cache.labels(cases, choice, target)
    return cache.images(cases, modality, choice, labels), labels


def array_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def z_scored(path: Path) -> NDArray[np.float64]:
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)
    brain = voxels != 0
    scored = (voxels - voxels[brain].mean()) / voxels[brain].std()
    return np.where(brain, scored, 0)


def write_scan(root: Path, case: str, brain: list[int], tumour: list[int], depth: int = 6) -> None:
    """A case with brain and with oedema in some slices alone."""
    voxels = np.zeros((depth, 20, 20), np.int16)
    voxels[brain, 4:16, 4:16] = np.random.default_rng(0).integers(50, 99, (len(brain), 12, 12))
    labels = np.zeros((depth, 20, 20), np.uint8)
    labels[tumour, 8:10, 8:10] = 2
    write_volume(root / case / f"{case}-t1c.nii.gz", voxels)
    write_volume(root / case / f"{case}-seg.nii.gz", labels)


@pytest.mark.parametrize("choice", ["middle", "largest", "tumour", "all", [3, 1]])
def test_values_are_those_of_the_files(tmp_path: Path, root: Path, choice: SliceChoice) -> None:
    expected = {"middle": [2], "largest": [1], "tumour": [1, 2, 3], "all": [0, 1, 2, 3]}
    slices = np.array(expected[choice] if isinstance(choice, str) else [1, 3])

    images, labels = opened(root, SliceCache(tmp_path / "cache", (48, 32)), choice)

    assert images.values.dtype == np.float16
    assert labels.values.dtype == np.uint8
    assert images.values.shape[1:] == labels.values.shape[1:] == (48, 32)
    for number in range(2):
        case = f"BraTS-GLI-{number:05d}-000"
        scored = z_scored(root / case / f"{case}-t1c.nii.gz")[slices, :, 4:36]
        truth = toy_labels(number)[slices][:, :, 4:36]
        margin = ((0, 0), (4, 4), (0, 0))
        stored = images.values[images.rows(case, slices)]
        np.testing.assert_allclose(stored, np.pad(scored, margin), atol=2e-3)
        np.testing.assert_array_equal(
            labels.values[labels.rows(case, slices)], np.pad(truth, margin)
        )


def test_row_0_is_blank_and_stands_for_the_slices_that_are_left_out(tmp_path: Path) -> None:
    write_scan(tmp_path / "data", "BraTS-GLI-00000-000", brain=[1, 2, 3], tumour=[3, 4])
    write_scan(tmp_path / "data", "BraTS-GLI-00001-000", brain=[0, 4], tumour=[4])

    images, labels = opened(tmp_path / "data", SliceCache(tmp_path / "cache", (20, 20)), "all")

    everything = np.arange(6)
    assert images.rows("BraTS-GLI-00000-000", everything).tolist() == [0, 1, 2, 3, 0, 0]
    assert images.rows("BraTS-GLI-00001-000", everything).tolist() == [4, 0, 0, 0, 5, 0]
    assert labels.rows("BraTS-GLI-00000-000", everything).tolist() == [0, 0, 0, 1, 2, 0]
    assert labels.rows("BraTS-GLI-00001-000", everything).tolist() == [0, 0, 0, 0, 3, 0]
    assert (images.values.shape[0], labels.values.shape[0]) == (6, 4)
    assert not images.values[0].any()
    assert not labels.values[0].any()
    assert all(images.values[row].any() for row in range(1, 6))


def test_a_case_without_target_has_no_tumour_slice_and_its_neighbours_keep_theirs(
    tmp_path: Path,
) -> None:
    for number, tumour in enumerate(([2], [], [5])):
        write_scan(tmp_path / "data", f"BraTS-GLI-{number:05d}-000", [1, 2, 3, 4, 5], tumour)

    images, labels = opened(tmp_path / "data", SliceCache(tmp_path / "cache", (20, 20)), "tumour")

    for array in (images, labels):
        assert array.rows("BraTS-GLI-00000-000", np.array([2])).tolist() == [1]
        assert array.rows("BraTS-GLI-00001-000", np.arange(6)).tolist() == [0] * 6
        assert array.rows("BraTS-GLI-00002-000", np.array([5])).tolist() == [2]
    assert images.bad == {}


def test_cases_may_differ_in_size_and_depth(tmp_path: Path) -> None:
    write_case(tmp_path / "data", "BraTS-GLI-00000-000", size=40, depth=4)
    write_case(tmp_path / "data", "BraTS-GLI-00001-000", size=52, depth=7)

    _, labels = opened(tmp_path / "data", SliceCache(tmp_path / "cache", (40, 40)))

    assert {case: ids.tolist() for case, ids in labels.indices.items()} == {
        "BraTS-GLI-00000-000": [2],
        "BraTS-GLI-00001-000": [3],
    }
    wide = toy_labels(0, size=52, depth=7)[3, 6:46, 6:46]
    np.testing.assert_array_equal(labels.values[2], wide)


def test_an_array_is_built_once(tmp_path: Path, root: Path, read: list[str]) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    first = opened(root, cache)
    assert len(read) == 4

    again = opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    assert len(read) == 4
    for one, other in zip(first, again, strict=True):
        assert one.digest == other.digest
        np.testing.assert_array_equal(one.values, other.values)


def test_experiments_share_what_they_have_in_common(
    tmp_path: Path, root: Path, read: list[str]
) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    opened(root, cache, "middle", "t1c")
    read.clear()

    opened(root, cache, "middle", "t2f", ENHANCING)

    assert read == [f"BraTS-GLI-{number:05d}-000-t2f.nii.gz" for number in range(2)]
    assert len(array_folders(tmp_path / "cache")) == 3


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".mha"])
def test_a_file_corrected_with_its_old_size_and_time_is_read_again(
    tmp_path: Path, read: list[str], ending: str
) -> None:
    case = write_case(tmp_path / "data", "BraTS-GLI-00000-000", ending=ending)
    path = case / f"{case.name}-t1c{ending}"
    cache = SliceCache(tmp_path / "cache", (40, 40))
    opened(tmp_path / "data", cache)
    before = path.stat()
    corrected = sitk.ReadImage(str(path)) + 1
    sitk.WriteImage(corrected, str(path), useCompression=ending == ".nii.gz")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if ending != ".nii.gz":
        assert path.stat().st_size == before.st_size
    read.clear()

    opened(tmp_path / "data", cache)

    assert read == [path.name]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_copied_data_set_with_other_times_is_not_read_again(
    tmp_path: Path, root: Path, read: list[str], *, elsewhere: bool
) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    before = opened(root, cache)
    copied = shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copyfile)
    if not elsewhere:
        shutil.rmtree(root)
        copied = copied.rename(root)
    read.clear()

    after = opened(copied, cache)

    assert read == []
    assert [array.digest for array in after] == [array.digest for array in before]


def test_a_problem_names_the_file_where_the_data_set_is_now(tmp_path: Path, root: Path) -> None:
    bad = root / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t1c.nii.gz"
    write_volume(bad, np.full((4, 40, 40), 7, np.int16))
    cache = SliceCache(tmp_path / "cache", (40, 40))
    assert opened(root, cache)[0].bad["BraTS-GLI-00001-000"].file == str(bad)

    moved = root.rename(tmp_path / "moved")

    problem = opened(moved, cache)[0].bad["BraTS-GLI-00001-000"]
    assert problem.file == str(moved / bad.relative_to(root))


@pytest.mark.parametrize("checksum", ["", ', "checksum": "0123"', ', "format": 6'])
def test_an_array_of_an_earlier_version_is_mentioned_when_it_is_replaced(
    tmp_path: Path, root: Path, caplog: pytest.LogCaptureFixture, checksum: str
) -> None:
    earlier = tmp_path / "cache" / "t1c-0123456789abcdef"
    earlier.mkdir(parents=True)
    (earlier / "array.npy").write_bytes(bytes(100))
    index = f'{{"array": [100, 1], "cases": {{}}{checksum}}}'
    (earlier / "index.json").write_text(index, "utf-8")
    cache = SliceCache(tmp_path / "cache", (40, 40))
    with caplog.at_level(logging.INFO):
        opened(root, cache)
        opened(root, cache)
    (message,) = [record.message for record in caplog.records if "earlier" in record.message]
    assert str(earlier) in message


@pytest.mark.parametrize("choice", ["all", "largest", "tumour", [2], [2, 3]])
def test_another_choice_is_another_array(
    tmp_path: Path, root: Path, read: list[str], choice: SliceChoice
) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    opened(root, cache, "middle")
    read.clear()

    opened(root, cache, choice)

    assert len(read) == 4


def test_another_size_is_another_array(tmp_path: Path, root: Path, read: list[str]) -> None:
    opened(root, SliceCache(tmp_path / "cache", (40, 40)))
    images, _ = opened(root, SliceCache(tmp_path / "cache", (40, 48)))

    assert len(read) == 8
    assert images.values.shape[1:] == (40, 48)


def test_the_target_matters_where_the_choice_looks_at_it(tmp_path: Path) -> None:
    labels = np.zeros((3, 20, 20), np.uint8)
    labels[0, 4:9, 4:9] = 2
    labels[2, 5, 5] = 3
    case = tmp_path / "data" / "BraTS-GLI-00000-000"
    write_scan(tmp_path / "data", case.name, brain=[0, 1, 2], tumour=[], depth=3)
    write_volume(case / f"{case.name}-seg.nii.gz", labels)
    cache = SliceCache(tmp_path / "cache", (20, 20))

    for target, slices in ((WHOLE, [0]), (ENHANCING, [2])):
        images, truth = opened(tmp_path / "data", cache, "largest", target=target)
        assert images.indices[case.name].tolist() == truth.indices[case.name].tolist() == slices


def test_a_segmentation_that_moves_to_another_grid_is_noticed(tmp_path: Path, root: Path) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    opened(root, cache)
    case = "BraTS-GLI-00001-000"

    write_volume(root / case / f"{case}-seg.nii.gz", toy_labels(1), spacing=(1, 1, 3))
    images, _ = opened(root, cache)

    assert list(images.bad) == [case]


def test_a_segmentation_that_is_mended_is_noticed(tmp_path: Path, root: Path) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    case = "BraTS-GLI-00001-000"
    write_volume(root / case / f"{case}-seg.nii.gz", toy_labels(1), spacing=(1, 1, 3))
    assert list(opened(root, cache)[0].bad) == [case]

    write_volume(root / case / f"{case}-seg.nii.gz", toy_labels(1))
    images, _ = opened(root, cache)

    assert images.bad == {}


def test_the_digest_is_of_the_voxels_not_of_their_place(tmp_path: Path, root: Path) -> None:
    moved = shutil.copytree(root, tmp_path / "elsewhere" / "moved")

    here = opened(root, SliceCache(tmp_path / "cache", (40, 40)))
    there = opened(moved, SliceCache(tmp_path / "other", (40, 40)))

    assert [array.digest for array in here] == [array.digest for array in there]
    case = "BraTS-GLI-00001-000"
    labels = toy_labels(1)
    labels[2, 20, 20] = 1 if labels[2, 20, 20] != 1 else 2
    write_volume(moved / case / f"{case}-seg.nii.gz", labels)
    changed = opened(moved, SliceCache(tmp_path / "other", (40, 40)))
    assert changed[0].digest == here[0].digest
    assert changed[1].digest != here[1].digest


def test_the_digest_tells_which_case_and_slice_the_voxels_are_of(tmp_path: Path) -> None:
    for name, case in (("one", "BraTS-GLI-00000-000"), ("two", "BraTS-GLI-00001-000")):
        write_case(tmp_path / name, case, seed=3)
    cache = SliceCache(tmp_path / "cache", (40, 40))

    labels = [
        opened(tmp_path / "one", cache, [2])[1],
        opened(tmp_path / "one", cache, [3])[1],
        opened(tmp_path / "two", cache, [2])[1],
    ]

    for other in labels[1:]:  # the same voxels throughout
        np.testing.assert_array_equal(labels[0].values, other.values)
    assert len({array.digest for array in labels}) == 3


def test_worker_processes_build_the_same_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_dataset(tmp_path / "data", 8, size=16)
    bad = root / "BraTS-GLI-00003-000" / "BraTS-GLI-00003-000-t1c.nii.gz"
    bad.write_bytes(b"no image")
    cases = find_cases(root)
    labels = SliceCache(tmp_path / "labels", (16, 16), processes=1).labels(cases, "middle", WHOLE)
    used: list[int] = []

    def noted(
        workers: Workers,
        function: Callable[[LabelJob | ImageJob], CaseSlices | Problem],
        jobs: Sequence[LabelJob | ImageJob],
        processes: int,
    ) -> Generator[CaseSlices | Problem]:
        used.append(processes)
        return run_in_order(workers, function, jobs, processes)

    run_in_order = Workers.run_in_order
    monkeypatch.setattr(Workers, "run_in_order", noted)
    alone, together = (
        SliceCache(tmp_path / str(n), (16, 16), processes=n).images(cases, "t1c", "middle", labels)
        for n in (1, 2)
    )

    assert used == [1, 2]
    assert alone.digest == together.digest
    assert alone.bad == together.bad
    assert list(alone.bad) == ["BraTS-GLI-00003-000"]
    assert list(alone.indices) == list(together.indices)
    for case in alone.indices:
        slices = [one.values[one.rows(case, one.indices[case])] for one in (alone, together)]
        np.testing.assert_array_equal(slices[0], slices[1])


def test_a_bad_case_is_reported_and_the_others_are_built(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 3)
    bad = root / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t1c.nii.gz"
    bad.write_bytes(b"no image")

    images, labels = opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    assert list(images.indices) == ["BraTS-GLI-00000-000", "BraTS-GLI-00002-000"]
    assert list(images.bad) == ["BraTS-GLI-00001-000"]
    problem = images.bad["BraTS-GLI-00001-000"]
    assert (problem.case, problem.file) == ("BraTS-GLI-00001-000", str(bad))
    assert len(labels.indices) == 3
    for number in (0, 2):
        case = f"BraTS-GLI-{number:05d}-000"
        scored = z_scored(root / case / f"{case}-t1c.nii.gz")[2]
        np.testing.assert_allclose(images.values[images.first_row[case]], scored, atol=2e-3)


def test_a_brain_mask_that_misses_most_of_the_head_is_a_warning(tmp_path: Path, root: Path) -> None:
    path = root / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t1c.nii.gz"
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.int32)
    noise = np.random.default_rng(0).integers(0, 5, voxels.shape)
    voxels = np.where(voxels == 0, noise, voxels)
    write_volume(path, voxels)
    cache = SliceCache(tmp_path / "cache", (40, 40))
    assert opened(root, cache)[0].warnings == []

    voxels[1, 20, 20:22] = 9_000_000, 10_000_000  # beside them everything else is dark
    write_volume(path, voxels)

    (warning,) = opened(root, cache)[0].warnings
    assert (warning.file, warning.is_warning) == (str(path), True)
    assert warning.what == (
        "the brain found in it is 0 % of the voxels brighter than the background, expected at "
        "least 50 %"
    )


def test_pixels_that_cropping_cuts_off_are_counted_by_case(tmp_path: Path, root: Path) -> None:
    _, labels = opened(root, SliceCache(tmp_path / "cache", (20, 40)))

    lost = {
        f"BraTS-GLI-{number:05d}-000": int(
            np.count_nonzero(toy_labels(number)[2]) - np.count_nonzero(toy_labels(number)[2, 10:30])
        )
        for number in range(2)
    }
    assert any(lost.values())
    losses = [re.search(r"loses (\d+) labelled pixel", one.what) for one in labels.warnings]
    assert [
        (one.case, int(loss[1])) for one, loss in zip(labels.warnings, losses, strict=True) if loss
    ] == [(case, count) for case, count in lost.items() if count]


def test_spacings_are_kept_by_case_and_axis(tmp_path: Path) -> None:
    for number, spacing in enumerate([(1, 1, 5), (0.5, 2, 3), (0.25, 1, 1)]):
        case = f"BraTS-GLI-{number:05d}-000"
        write_volume(tmp_path / case / f"{case}-t1c.nii.gz", np.eye(3)[None] + 1, spacing)
        write_volume(tmp_path / case / f"{case}-seg.nii.gz", np.eye(3, dtype="u1")[None], spacing)

    labels = SliceCache(tmp_path / "cache", (3, 3)).labels(find_cases(tmp_path), "middle", WHOLE)

    assert labels.spacings["BraTS-GLI-00001-000"] == (0.5, 2, 3)
    assert labels.spacing_range(["BraTS-GLI-00000-000", "BraTS-GLI-00001-000"]) == {
        "x": (0.5, 1),
        "y": (1, 2),
        "z": (3, 5),
    }


def test_a_cache_folder_that_cannot_be_written_stops(tmp_path: Path, root: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataError, match=r"data.cache_dir '.*file/cache'"):
        opened(root, SliceCache(tmp_path / "file" / "cache", (40, 40)))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_an_array_file_with_python_objects_is_built_anew_and_never_unpickled(
    tmp_path: Path, root: Path
) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    before = [array.digest for array in opened(root, cache)]
    folders = array_folders(tmp_path / "cache")
    assert len(folders) == 2
    for folder in folders:
        (folder / "array.npy").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))

    assert [array.digest for array in opened(root, cache)] == before
    assert not (tmp_path / "sprung").exists()


def test_arrays_cannot_be_written_to(tmp_path: Path, root: Path) -> None:
    images, _ = opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    with pytest.raises(ValueError, match="read-only"):
        images.values[0] = 1


def test_a_build_leaves_no_unfinished_folder(tmp_path: Path, root: Path) -> None:
    opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    assert not list((tmp_path / "cache").glob("*.part"))
    indices = [path.parent for path in (tmp_path / "cache").glob("*/index.json")]
    assert sorted(indices) == array_folders(tmp_path / "cache")
    assert len(indices) == 2


def test_a_build_that_fails_leaves_nothing(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(job: LabelJob | ImageJob) -> CaseSlices | Problem:
        raise KeyboardInterrupt(job.case)

    monkeypatch.setattr(cache_module, "read_slices", broken)
    with pytest.raises(KeyboardInterrupt):
        opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    assert array_folders(tmp_path / "cache") == []


PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from data_modules.cache import slice_cache as cache
from data_modules.catalog.cases import find_cases
from data_modules.utils.problems import Problem
from data_modules.cache.extraction import read_slices

root, folder, how, signs = sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
read = []

def noted(job):
    read.append(job)
    if how == "die" and len(read) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "wait" and len(read) == 1:
        (signs / "started").touch()
        while not (signs / "go").exists():
            time.sleep(0.01)
    return read_slices(job)

cache.read_slices = noted
cache.SliceCache(folder, (40, 40)).labels(find_cases(Path(root)), "middle", (1, 2, 3))
"""


def builder(root: Path, cache: Path, how: str, signs: Path) -> subprocess.Popen[bytes]:
    """Another process that builds the array of labels."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(root), str(cache), how, str(signs)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )


def test_a_build_that_was_killed_is_not_mistaken_for_an_array(
    tmp_path: Path, root: Path, read: list[str]
) -> None:
    assert builder(root, tmp_path / "cache", "die", tmp_path).wait(TIMEOUT_S) == -9
    left = array_folders(tmp_path / "cache")
    assert [folder.suffix for folder in left] == [".part"]

    _, labels = opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    assert len(read) == 4
    assert len(labels.indices) == 2
    np.testing.assert_array_equal(labels.values[2], toy_labels(1)[2])
    assert not left[0].exists()


def test_what_killed_builds_left_of_any_array_is_removed_and_nothing_else(
    tmp_path: Path, root: Path
) -> None:
    left, of_an_earlier_version, being_built, no_array = (
        tmp_path / "cache" / name
        for name in (
            f"t1c-{'0' * 16}.part", f"t1c-{'1' * 16}.building", f"t1c-{'2' * 16}.part", "film.part",
        )
    )  # fmt: skip
    for folder in (left, of_an_earlier_version, being_built, no_array):
        folder.mkdir(parents=True)

    with FileLock(being_built.with_suffix(".lock")):
        opened(root, SliceCache(tmp_path / "cache", (40, 40)))

    assert not left.exists()
    assert not of_an_earlier_version.exists()
    assert being_built.exists()
    assert no_array.exists()


def test_of_two_processes_that_want_an_array_one_builds_it_and_the_other_waits(
    tmp_path: Path, root: Path, read: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    class LetGo(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "waiting for it" in record.getMessage():
                (tmp_path / "go").touch()

    caplog.set_level(logging.INFO, logger=cache_module.__name__)
    logger, handler = logging.getLogger(cache_module.__name__), LetGo()
    other = builder(root, tmp_path / "cache", "wait", tmp_path)
    logger.addHandler(handler)
    try:
        wait_until(lambda: (tmp_path / "started").exists() or other.poll() is not None)
        assert other.poll() is None
        labels = SliceCache(tmp_path / "cache", (40, 40)).labels(find_cases(root), "middle", WHOLE)
    finally:
        logger.removeHandler(handler)
        (tmp_path / "go").touch()
        assert other.wait(TIMEOUT_S) == 0

    assert read == []
    assert len(labels.indices) == 2
    assert "Another process is preparing the labels slices" in caplog.text


def test_a_cache_from_before_stored_labels_were_recorded_is_used(
    root: Path, tmp_path: Path, read: list[str]
) -> None:
    cache = SliceCache(tmp_path / "cache", (40, 40))
    _, labels = opened(root, cache)
    assert set(labels.stored.values()) == {(1, 2, 3)}
    for folder in array_folders(cache.folder):
        index = read_index(folder / INDEX)
        for entry in index["cases"].values():
            del entry["stored"]
        write_index(folder / INDEX, index)
    read.clear()

    _, earlier = opened(root, cache)

    assert read == []
    assert set(earlier.stored.values()) == {()}
