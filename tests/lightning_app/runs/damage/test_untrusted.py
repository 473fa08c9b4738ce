"""Untrusted files run no code and write nothing outside; each is refused in one line."""

import gzip
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from callbacks.metrics_csv import MetricsCSV
from data_modules.cache.array_index import read_index, write_index
from data_modules.cache.memmap import open_array
from data_modules.cache.slice_cache import SliceCache
from data_modules.catalog.cases import check_case_id, find_cases
from data_modules.catalog.splits import read_split
from data_modules.io.geometry import check_same_grid, read_grid
from data_modules.io.volumes import read_labels, read_modality
from data_modules.utils.errors import DataError
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.lookup import experiment_of
from lightning_app.runs.status import read_status
from lightning_app.utils.errors import UsageError
from lightning_app.utils.text import printable
from tests.conftest import Program
from tests.helpers.toy import write_case, write_dataset, write_volume


class Trap:
    """Creates a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


# Checkpoints -------------------------------------------------------------------------------------


def traps(mark: Path) -> dict[str, Any]:
    weights = {"network.head.weight": torch.zeros(1)}
    return {
        "in the weights": {"state_dict": {"network.head.weight": Trap(mark)}},
        "beside the weights": {"state_dict": weights, "callbacks": Trap(mark)},
        "a whole network": {"state_dict": weights, "network": torch.nn.Linear(1, 1)},
    }


@pytest.mark.parametrize("way", ["in the weights", "beside the weights", "a whole network"])
@pytest.mark.parametrize(
    ("zipped", "reason"),
    [
        (True, r"names '(posix|torch\.nn)\S+', which is not data but"),
        (False, "it is not a zip file"),  # as torch wrote before version 1.6
    ],
)
def test_a_checkpoint_that_holds_code_is_refused(
    way: str, zipped: bool, reason: str, tmp_path: Path
) -> None:
    mark, path = tmp_path / "ran", tmp_path / "x.ckpt"
    torch.save(traps(mark)[way], path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UsageError, match=reason):
        read_checkpoint(path)
    assert not mark.exists()


def test_every_command_refuses_a_checkpoint_that_holds_code(
    program: Program, toy_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    mark = tmp_path / "ran"
    whole = torch.load(run.best, weights_only=True)
    for path in (run.best, run.last):
        torch.save({**whole, "callbacks": Trap(mark)}, path)
    for command in (
        ["fit", "--resume", str(run.path), "--trainer.max_epochs", "2"],
        ["fit", "--weights", str(run.last)],
        ["fit", "--weights", str(run.path)],
        ["validate"],
        ["test"],
        ["predict", "--input", str(next(toy_root.iterdir())), "--output", "out"],
    ):
        capsys.readouterr()
        assert program(*command) == 2
        assert "which is not data but code: it was not run" in capsys.readouterr().err
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        [], {}, {"state_dict": []}, {"state_dict": {1: torch.zeros(1)}}, {"state_dict": {"a": 3}},
        {"state_dict": {}, "format": "x"}, {"state_dict": {}, "format": None},
        {"state_dict": {}, "format": 2},
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_shape_is_refused(content: object, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    torch.save(content, path)
    with pytest.raises(UsageError, match=r"no state_dict|is of format"):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"e", b"PK\3\4", b"\x80\x02", b"\x80\x02]q\x00.", b"(d"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_bytes_that_are_not_a_checkpoint_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be loaded; it may be damaged"):
        read_checkpoint(path)


# Runs --------------------------------------------------------------------------------------------


def test_a_run_with_links_to_the_outside_is_refused(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run.test().path.symlink_to(elsewhere)
    for command in (["test"], ["fit", "--resume", str(run.path), "--trainer.max_epochs", "2"]):
        assert program(*command) == 2
        assert "test is a link to '" in capsys.readouterr().err
    assert not list(elsewhere.iterdir())
    run.test().path.unlink()
    shutil.move(run.metrics, run.path / "own.csv")
    run.metrics.symlink_to("own.csv")  # within the folder
    assert program("test") == 0


def test_an_experiment_name_cannot_move_runs_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape("names the experiment '..'")):
        experiment_of(str(tmp_path / "...yaml"))
    assert experiment_of("a.b.yaml") == "a.b"


def test_the_metrics_file_is_a_name_without_a_path() -> None:
    for name in ("../metrics.csv", "/metrics.csv", "a/b.csv", "..", ""):
        with pytest.raises(ValueError, match="expected a file name"):
            MetricsCSV(name)


# Cases -------------------------------------------------------------------------------------------

BAD_IDS = [
    "..", "a..b", "a/b", "a\\b", "/etc", "C:x", "", "a\nb", "a\x1b[2Jb", "=1+1", "@x", "+1", "-x",
    ".hidden",
]  # fmt: skip


@pytest.mark.parametrize("case_id", BAD_IDS)
def test_a_case_id_that_is_not_a_plain_name_is_refused(case_id: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"case id {case_id!r}")) as caught:
        check_case_id(case_id)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("case_id", ["BraTS-GLI-00000-000", "patient one", "Müller_3", "7", "a.b"])
def test_plain_names_are_case_ids(case_id: str) -> None:
    check_case_id(case_id)


@pytest.mark.parametrize("case_id", ["a..b", "a\nb", "=1+1"])
def test_a_folder_with_such_a_name_is_refused(case_id: str, tmp_path: Path) -> None:
    write_case(tmp_path, case_id)
    with pytest.raises(DataError, match="case id"):
        find_cases(tmp_path)


def test_predict_writes_nothing_for_a_case_with_such_a_name(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    write_case(tmp_path / "in", "a..b", names={"t1c": "-t1c"})
    assert program("predict", "--input", "in", "--output", "out") == 2
    assert "error: case id 'a..b'" in capsys.readouterr().err
    assert not list(Path().glob("out/*"))


def test_errors_hold_no_control_characters(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printable("a\x1b[2Jb\nc\u202e é") == "a\\x1b[2Jb\\nc\\u202e é"
    assert program("fit", "--data.root", "a\x1b[2J\nb") == 2
    error = capsys.readouterr().err
    assert error.endswith("a\\x1b[2J\\nb' is not a folder\n")
    assert error.count("\n") == 1


# Split files -------------------------------------------------------------------------------------

SPLITS = {
    "a path": "case,side\n../../etc/passwd,train\n",
    "a formula": "case,side\n\"=cmd|' /C calc'!A0\",train\n",
    "a pickle": pickle.dumps({"case": "side"}).decode("latin-1"),
    "codes": "case,side\n\x1b[2J,train\n",
    "nothing": "",
    "nulls": "case,side\n\0,train\n",
    "a field without end": "case,side\n\"" + "c0," * 100_000,
    "a side": "case,side\nc0,../train\n",
    "too few columns": "case\nc0\n",
}  # fmt: skip


@pytest.mark.parametrize("way", SPLITS)
def test_a_hostile_split_file_is_refused(way: str, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text(SPLITS[way], "utf-8")
    with pytest.raises(DataError):
        read_split(path, {"c0": "p0", "c1": "p1", "c2": "p2"})


# The cache ---------------------------------------------------------------------------------------


def in_a_case(**values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Replace values in the entry of the first case of an index."""

    def damage(index: dict[str, Any]) -> dict[str, Any]:
        first, *others = index["cases"]
        entry = {**index["cases"][first], **values}
        kept = {case: index["cases"][case] for case in others}
        return {**index, "cases": {first: entry, **kept}}

    return damage


def without_a_case(index: dict[str, Any]) -> dict[str, Any]:
    _, second = index["cases"]
    return {**index, "cases": {second: index["cases"][second]}}


DAMAGED_INDICES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "nothing": lambda _: {},
    "cases": lambda index: {**index, "cases": []},
    "a case": lambda index: {**index, "cases": {case: [] for case in index["cases"]}},
    "indices": in_a_case(indices=[2**70]),
    "more indices than rows": in_a_case(indices=[1] * 99),
    "fewer indices than rows": without_a_case,
    "no row": in_a_case(row=None),
    "a row beyond the end": in_a_case(row=2**70),
    "a row twice": lambda index: {
        **index, "cases": dict.fromkeys(index["cases"], next(iter(index["cases"].values()))),
    },
    "spacing": in_a_case(spacing="xyz"),
    "size": in_a_case(size=[1]),
    "intensities": in_a_case(intensities=None),
    "another digest": in_a_case(digest="0" * 32),
    "no digest": in_a_case(digest=None),
    "another type": lambda index: {**index, "array": {**index["array"], "dtype": "<f4"}},
    "bad": lambda index: {**index, "bad": 3},
    "a problem": lambda index: {**index, "bad": {"c": {"words": ""}}},
    "warnings": lambda index: {**index, "warnings": [[]]},
}  # fmt: skip


@pytest.mark.parametrize("way", DAMAGED_INDICES)
def test_a_damaged_index_of_the_cache_is_rebuilt(way: str, tmp_path: Path) -> None:
    cases = find_cases(write_dataset(tmp_path / "data", 2, size=32))
    cache = SliceCache(tmp_path / "cache", (32, 32), processes=1)
    whole = cache.labels(cases, "middle", (1,))
    (path,) = tmp_path.glob("cache/*/index.json")
    index = read_index(path)
    write_index(path, index)
    assert open_array(path.parent) is not None
    write_index(path, DAMAGED_INDICES[way](index))
    assert open_array(path.parent) is None
    again = cache.labels(cases, "middle", (1,))
    assert again.digest == whole.digest
    np.testing.assert_array_equal(again.values, whole.values)


def test_an_array_of_python_objects_is_rebuilt_and_never_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    cases = find_cases(write_dataset(tmp_path / "data", 2, size=32))
    cache = SliceCache(tmp_path / "cache", (32, 32), processes=1)
    whole = cache.labels(cases, "middle", (1,)).digest
    (array,) = tmp_path.glob("cache/*/array.npy")
    np.save(array, np.array([[[Trap(mark)]]] * 3, object), allow_pickle=True)
    assert cache.labels(cases, "middle", (1,)).digest == whole
    assert not mark.exists()


# NIfTI headers -----------------------------------------------------------------------------------


def header_fields() -> dict[str, tuple[str, Any]]:
    return {
        "another file's name": ("aux_file", b"/etc/passwd"),
        "sizes beyond the file": ("dim", [3, 32767, 32767, 32767, 1, 1, 1, 1]),
        "no size": ("dim", [3, 0, 4, 4, 1, 1, 1, 1]),
        "a size below 0": ("dim", [3, -5, 4, 4, 1, 1, 1, 1]),
        "too many dimensions": ("dim", [99, 4, 4, 4, 1, 1, 1, 1]),
        "an offset beyond the file": ("vox_offset", 1e30),
        "an infinite offset": ("vox_offset", np.inf),
        "an offset below 0": ("vox_offset", -1),
        "an unknown type": ("datatype", 7777),
        "a spacing below 0": ("pixdim", [1, -1, 1, 1, 1, 1, 1, 1]),
        "no spacing": ("pixdim", [1, 0, 0, 0, 1, 1, 1, 1]),
        "a scale without offset": ("scl_inter", np.nan),
        "another kind": ("magic", b"ni1"),
        "an unknown kind": ("magic", b"n+2"),
        # ITK loops for ever on these.
        "an infinite place": ("srow_z", [0, 0, 1, -np.inf]),
        "a place that is no number": ("srow_x", [np.nan, 0, 0, 0]),
        "an infinite turn": ("quatern_b", np.inf),
    }


HARMLESS = ("another file's name", "another kind")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("way", header_fields())
def test_a_hostile_nifti_header_is_refused_or_has_no_effect(
    way: str, ending: str, tmp_path: Path
) -> None:
    voxels: NDArray[np.int16] = np.zeros((4, 6, 5), np.int16)
    voxels[:, 2:4, 1:4] = 50 + np.arange(24).reshape(4, 2, 3)
    path = write_volume(tmp_path / "x.nii", voxels)
    whole = read_modality(path).normalised()
    content = bytearray(path.read_bytes())
    header = nib.Nifti1Header(bytes(content[:348]))
    field, value = header_fields()[way]
    if field == "scl_inter":
        header["scl_slope"] = 2
    header[field] = value
    content[:348] = header.binaryblock
    path = tmp_path / f"y{ending}"
    path.write_bytes(gzip.compress(content) if ending == ".nii.gz" else content)
    try:
        volume = read_modality(path)
        check_same_grid(path, read_grid(path), path)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017 (or it is harmless)
    else:
        assert way in HARMLESS
        np.testing.assert_array_equal(volume.normalised(), whole)
        assert min(volume.grid.spacing) > 0
    with pytest.raises(DataError, match=r"^[^\n]+$"):
        read_labels(path, {0: 0})


def test_intensities_beyond_float32_are_refused(tmp_path: Path) -> None:
    voxels = np.zeros((3, 6, 5))
    voxels[1, 2, 2:4] = 1e300, 1
    path = write_volume(tmp_path / "x.nii.gz", voxels)
    with pytest.raises(DataError, match=r"intensities reach 1e\+300, expected at most 1e\+30"):
        read_modality(path)


def test_intensities_below_the_resolution_of_float32_are_a_constant_image(tmp_path: Path) -> None:
    voxels = np.zeros((3, 6, 5), np.float32)
    voxels[1, 2, 2:4] = 1e-45, 3e-45  # the smallest there are; their deviation is rounded to 0 or 1
    voxels[1, 3, 2:4] = 1e-45
    path = write_volume(tmp_path / "x.nii.gz", voxels)
    try:
        assert np.isfinite(read_modality(path).normalised()).all()
    except DataError as error:
        assert "constant" in str(error)  # noqa: PT017 (either will do)


def test_a_hostile_run_status_is_ignored(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.status.write_text("[" * 10_000, "utf-8")
    assert read_status(run) == {}
