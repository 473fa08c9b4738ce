"""What people get to see of bad data, kind by kind, from prepare and from fit."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_modules.brats import BraTSDataModule
from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.helpers.damage import BAD, CASE, LEGAL, WARNED, Kind, file
from tests.helpers.paths import ROOT
from tests.helpers.toy import REAL, write_case, write_dataset, write_volume


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five cases with a name that has a space and letters beyond ASCII."""
    return write_dataset(tmp_path / "Köpfe und Tumore", 5)


def options(root: Path) -> list[str]:
    return ["--data.root", str(root), "--data.cache_dir", "cache"]


def problem_lines(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith(("bad ", "warning "))]


@pytest.mark.parametrize("kind", BAD)
def test_prepare_says_what_is_bad_in_a_line_and_ends_with_1(
    kind: str, root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD[kind].damage(root)

    assert program("prepare", *options(root)) == 1

    captured = capsys.readouterr()
    lines = problem_lines(captured.out)
    assert lines
    assert all(line.split()[:2] == ["bad", CASE] for line in lines)
    assert any(BAD[kind].what in line and BAD[kind].remedy in line for line in lines)
    assert "Bad cases: 1." in captured.out
    assert "4 cases of 4 patients" in captured.out
    assert "ITK" not in captured.err
    assert len(list(Path("cache/pictures").iterdir())) == 1


@pytest.mark.parametrize("kind", BAD)
def test_fit_stops_before_training_and_names_the_case(
    kind: str, root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD[kind].damage(root)

    assert program("fit", *options(root)) == 2

    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: bad cases: 1 ({CASE}: ")
    assert BAD[kind].what in error
    assert "--data.on_bad_case skip" in error
    assert not find_runs(Path("runs"))


def test_fit_leaves_bad_cases_out_says_which_and_records_why(
    root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD["wrong checksum"].damage(root)

    assert program("fit", *options(root), "--data.on_bad_case", "skip") == 0

    assert f"Bad cases left out: 1 ({CASE}: " in capsys.readouterr().err
    (run,) = find_runs(Path("runs"))
    assert CASE not in run.split.read_text("utf-8")
    recorded = run.environment.read_text("utf-8")
    assert CASE in recorded
    assert "CRC check failed" in recorded


def check_warned(kind: Kind, out: str) -> None:
    (line,) = problem_lines(out)
    assert line.split()[:2] == ["warning", CASE]
    assert kind.what in line
    assert kind.remedy in line
    assert "Bad cases: 0. Further cases to look at: 1." in out


@pytest.mark.parametrize("kind", WARNED)
def test_what_only_looks_wrong_is_a_warning_of_prepare_and_of_fit(
    kind: str, root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    WARNED[kind].damage(root)

    assert program("prepare", *options(root)) == 0
    check_warned(WARNED[kind], capsys.readouterr().out)
    assert program("fit", *options(root)) == 0
    error = capsys.readouterr().err
    assert f"Cases to look at: 1 ({CASE}: " in error
    assert WARNED[kind].what in error


def test_labels_that_cropping_cuts_off_are_a_warning(
    root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.zeros((4, 40, 40), np.uint8)
    labels[2, 3:10, 20] = 2  # 32 x 32 keeps the rows 4 to 35
    write_volume(file(root, "seg"), labels)

    assert program("prepare", *options(root)) == 0

    kind = Kind(lambda _: None, "loses 1 labelled pixel of its slices", "data.image_size")
    check_warned(kind, capsys.readouterr().out)


def test_axes_that_were_swapped_behind_the_headers_back_are_a_warning(
    root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    for what, value in (("t1c", 99), ("seg", 1)):
        voxels = np.zeros((240, 155, 240), np.uint8)
        voxels[100:140, 60:90, 100:140] = value
        voxels[110:120, 65:70, 110:120] = value + 1
        write_volume(file(root, what), voxels)

    assert program("prepare", *options(root), "--data.image_size", "[160,160]") == 0

    kind = Kind(lambda _: None, "has 240 slices of 155 x 240", "axes were swapped")
    check_warned(kind, capsys.readouterr().out)


@pytest.mark.parametrize("kind", LEGAL)
def test_what_is_legal_is_passed_over_in_silence(
    kind: str, root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    LEGAL[kind](root)

    assert program("prepare", *options(root)) == 0

    out = capsys.readouterr().out
    assert problem_lines(out) == []
    assert "5 cases of 5 patients" in out


def test_slices_of_other_sizes_are_counted(
    root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(root, "BraTS-GLI-00009-000", size=52, depth=7)

    assert program("prepare", *options(root)) == 0

    out = capsys.readouterr().out
    assert "Slices (cases): 40 x 40 (5), 52 x 52 (1); the network gets them as 32 x 32" in out
    assert "Slices per case: 4 to 7" in out


def test_a_file_that_one_may_not_read(tmp_path: Path, root: Path) -> None:
    """Root may read everything, so root has to become somebody else for a moment."""
    file(root).chmod(0)
    was_root = os.geteuid() == 0
    if was_root:
        tmp_path.chmod(0o777)
        for folder in tmp_path.parents:
            if "pytest" in str(folder):
                folder.chmod(0o755)
        os.seteuid(65534)
    try:
        data = BraTSDataModule(root=root, cache_dir=tmp_path / "cache", on_bad_case="skip")
        data.prepare_data()
    finally:
        if was_root:
            os.seteuid(0)
    assert "-t1c.nii.gz: cannot be read: Permission denied" in data.left_out[CASE]


def split(*rows: str) -> list[str]:
    Path("split.csv").write_text("\n".join(["case,side", *rows]), "utf-8")
    return ["--data.split_file", "split.csv"]


ROWS = [
    f"BraTS-GLI-0000{n}-000,{side}" for n, side in enumerate(("train", "train", "train", "val"))
]
MISTAKES: dict[str, tuple[Callable[[], list[str]], str]] = {
    "an empty root": (lambda: ["--data.root", "empty"], "no case found in"),
    "no root": (lambda: ["--data.root", "nowhere"], "nowhere' is not a folder"),
    "an unknown case": (lambda: split(*ROWS, "BraTS-GLI-9-000,test"), "'BraTS-GLI-9-000' is"),
    "a case twice": (lambda: split(*ROWS, ROWS[0], "BraTS-GLI-00004-000,test"), "listed 2 times"),
    "too many": (lambda: ["--data.split_sizes", "[10,2,3]"], "asks for 15 cases, there are 5"),
    "a count of zero": (lambda: ["--data.split_sizes", "[3,0,1]"], "expected at least 1 case"),
    "a negative count": (lambda: ["--data.split_sizes", "[3,-1,1]"], "expected at least 1 case"),
    "a size of zero": (lambda: ["--data.image_size", "[0,32]"], "height and width of 1 or more"),
    "a negative size": (lambda: ["--data.image_size", "[32,-3]"], "height and width of 1 or more"),
    "a misspelt option": (lambda: ["--data.batch_sze", "3"], "did you mean --data.batch_size"),
    "a misspelt word": (lambda: ["--data.target", "wole"], "nearest: whole"),
    "an unknown config": (lambda: ["--config", "aspp_t2x.yaml"], "nearest: aspp_t2"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["prepare", "fit"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_options_that_do_not_fit_the_data_are_a_line_and_exit_code_2(
    mistake: str, command: str, root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = MISTAKES[mistake]
    Path("empty").mkdir()
    try:
        code: object = program(command, *options(root), *arguments())
    except SystemExit as end:
        code = end.code
    error = capsys.readouterr().err.splitlines()
    assert code == 2
    assert re.match("error: ", error[-1])
    assert words in error[-1]


def test_a_config_may_name_any_network_and_needs_none(
    root: Path, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("prepare", *options(root), experiment="aspp_t2f.yaml") == 0
    assert program("prepare", *options(root), experiment="toy.yaml") == 0
    assert capsys.readouterr().out.count("5 cases of 5 patients") == 2
    assert not find_runs(Path("runs"))


def test_what_prepare_read_fit_does_not_read_again(
    root: Path,
    program: Program,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # progress is shown on terminals only
    monkeypatch.setenv("TERM", "xterm")
    assert program("prepare", *options(root)) == 0
    assert "Preparing" in capsys.readouterr().err
    assert program("fit", *options(root)) == 0
    assert "Preparing" not in capsys.readouterr().err


def test_processes_that_read_files_need_neither_torch_nor_lightning() -> None:
    script = (
        "import sys, data_modules.cache.memmap_writer, data_modules.utils.process_pool;"
        "print(sorted({'torch', 'lightning'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real patients are not here ({REAL})")
@pytest.mark.parametrize("part", ["brats", "lgg"])
def test_real_patients_are_all_good(
    part: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data.modalities", "[t2f]", "--data.image_size", "[240,240]"]
    assert program("prepare", *options(REAL / part), *arguments) == 0
    assert problem_lines(capsys.readouterr().out) == []


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real patients are not here ({REAL})")
def test_real_patients_without_the_modality_are_told_apart(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        program(
            "prepare",
            *options(REAL / "lgg"),
            "--data.modalities",
            "[t1c]",
            "--data.image_size",
            "[240,240]",
        )
        == 1
    )
    lines = problem_lines(capsys.readouterr().out)
    assert len(lines) == 11
    assert all("has no t1c image" in line for line in lines)
