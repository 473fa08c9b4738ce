"""A prediction replaces nothing but its own label maps, and leaves none half written."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from callbacks.utils import atomic_write
from data_modules.catalog.cases import Case, find_cases
from lightning_app.ensembles.predictor import Predictor
from lightning_app.results.predictions.label_map_folder import LabelMapFolder, _digest
from lightning_app.runs.folder import Run
from lightning_app.utils.errors import UsageError
from lightning_app.utils.json_csv import read_json, write_json
from tests.helpers.runs.unfinished import unfinished_of_dead_process

RUN = Run(Path("/runs/unet_t1c/20260101-000000-aaaaaa"))
MOVED = Run(Path("/elsewhere/unet_t1c/20260101-000000-aaaaaa"))
OTHER = Run(Path("/runs/unet_t1c/20260101-000000-bbbbbb"))
NOTE = {"labels": {"1": "whole tumour"}, "target": "whole", "modalities": ["t1c"], "voxels": {}}


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, content in (("imagesTs", "scan"), ("labelsTs", "truth")):
        Path(folder).mkdir()
        for number in (1, 2):
            Path(folder, f"BRATS_00{number}.nii.gz").write_text(content)


def cases() -> list[Case]:
    return find_cases(Path("imagesTs"), "msd-task01")


def predict(run: Run = RUN, mask: str = "mask", *, overwrite: bool = False) -> None:
    """All of a prediction but the network."""
    folder = LabelMapFolder(Path("out"), Predictor.of_run(run), overwrite)
    folder.prepare(cases(), "t1c")
    for case in cases():

        def write(path: Path, case: Case = case) -> dict[str, object]:
            path.write_text(mask)
            return {**NOTE, "input": str(case.images["t1c"])}

        folder.write(case.id, write)


def masks() -> list[str]:
    return [path.read_text() for path in sorted(Path("out").glob("*.nii.gz"))]


def content(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def linked(link: Callable[[Path, Path], object]) -> str:
    Path("out").mkdir()
    link(Path("imagesTs/BRATS_002.nii.gz").absolute(), Path("out/BRATS_002.nii.gz").absolute())
    write_json(Path("out/BRATS_002.json"), {**NOTE, "run": str(RUN.path), "input": ""})
    return "out"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda: "imagesTs", "BRATS_001.nii.gz is an input file"),
        (lambda: "imagesTs/../imagesTs", "BRATS_001.nii.gz is an input file"),
        (lambda: "labelsTs", "BRATS_001.nii.gz is an input file"),
        (lambda: linked(os.link), "BRATS_002.nii.gz is an input file"),
        (lambda: linked(os.symlink), "BRATS_002.nii.gz is an input file"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_is_never_replaced(output: Callable[[], str], words: str, overwrite: bool) -> None:
    place = output()
    before = content(place)
    with pytest.raises(UsageError, match=rf"^--output '{place}': {words}.*name another folder"):
        LabelMapFolder(Path(place), Predictor.of_run(RUN), overwrite).prepare(cases(), "t1c")
    assert content(place) == before


def test_a_file_as_the_folder_is_refused() -> None:
    Path("out").touch()
    with pytest.raises(UsageError, match=r"^--output 'out' is a file: expected a folder$"):
        predict()


def foreign_mask() -> None:
    Path("out").mkdir()
    Path("out/BRATS_002.nii.gz").write_text("mine")


def foreign_json() -> None:
    Path("out").mkdir()
    Path("out/BRATS_002.json").write_text('{"age": 60}')


def link_to_nothing() -> None:
    Path("out").mkdir()
    Path("out/BRATS_002.nii.gz").symlink_to("nowhere")


def corrected_mask() -> None:
    predict()
    Path("out/BRATS_002.nii.gz").write_text("corrected by hand")


@pytest.mark.parametrize(
    ("existing", "words"),
    [
        (foreign_mask, "BRATS_002.nii.gz was not written by predict: move it away"),
        (foreign_json, "BRATS_002.json was not written by predict: move it away"),
        (link_to_nothing, "BRATS_002.nii.gz was not written by predict: move it away"),
        (corrected_mask, "BRATS_002.nii.gz was changed since predict wrote it: move it away"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_predict_did_not_write_is_never_replaced(
    existing: Callable[[], None], words: str, overwrite: bool
) -> None:
    existing()
    before = sorted(Path("out").iterdir())
    with pytest.raises(UsageError, match=words):
        predict(overwrite=overwrite)
    assert sorted(Path("out").iterdir()) == before


@pytest.mark.parametrize("run", [RUN, MOVED])
def test_the_same_run_replaces_its_own_masks(run: Run) -> None:
    predict(mask="old")
    predict(run, mask="new")
    assert masks() == ["new", "new"]


def test_masks_of_another_run_are_replaced_only_if_asked_for() -> None:
    predict(mask="old")
    with pytest.raises(
        UsageError, match=rf"BRATS_001.nii.gz is of run '{RUN.path}'.*1 more file\)"
    ):
        predict(OTHER, mask="new")
    assert masks() == ["old", "old"]
    predict(OTHER, mask="new", overwrite=True)
    assert masks() == ["new", "new"]
    assert read_json(Path("out/BRATS_001.json"))["run"] == str(OTHER.path)


def test_masks_of_another_patient_of_that_name_are_replaced_only_if_asked_for() -> None:
    predict(mask="old")
    Path("site").mkdir()
    Path("imagesTs").rename("site/imagesTs")
    os.chdir("site")
    Path("out").symlink_to("../out")
    with pytest.raises(UsageError, match=r"BRATS_001.nii.gz is of '.*imagesTs/BRATS_001.nii.gz'"):
        predict(mask="new")
    predict(mask="new", overwrite=True)
    assert masks() == ["new", "new"]


def test_masks_of_an_earlier_version_are_ours() -> None:
    predict(mask="old")
    for note in Path("out").glob("*.json"):
        content = read_json(note)
        del content["digest"]
        write_json(note, content)
    predict(mask="new")
    assert masks() == ["new", "new"]


@pytest.mark.parametrize("moves", range(6))  # a note is moved twice, a mask once
def test_wherever_a_kill_hits_a_mask_has_its_own_note_and_the_next_start_goes_on(
    moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(mask="old")
    allowed = iter(range(moves))
    move = atomic_write.move_into_place

    def move_or_stop(temporary: Path, path: Path) -> None:
        if next(allowed, None) is None:
            raise KeyboardInterrupt
        move(temporary, path)

    with monkeypatch.context() as injected:
        injected.setattr(atomic_write, "move_into_place", move_or_stop)
        with pytest.raises(KeyboardInterrupt):
            predict(mask="new")

    written = list(Path("out").glob("*.nii.gz"))
    assert written
    for mask in written:
        note = read_json(Path("out") / f"{mask.name.removesuffix('.nii.gz')}.json")
        assert note["digest"] == _digest(mask)
    predict(mask="newer")
    assert masks() == ["newer", "newer"]
    assert len(list(Path("out").iterdir())) == 4


def test_an_unfinished_mask_has_no_ending_of_an_image() -> None:
    """A search for masks would find what a kill left."""
    folder = LabelMapFolder(Path("out"), Predictor.of_run(RUN))
    folder.prepare(cases(), "t1c")

    def write(path: Path) -> dict[str, object]:
        path.write_text("half")
        assert path in set(Path("out").rglob("*.part"))
        assert not [*Path("out").rglob("*.nii.gz"), *Path("out").rglob("*.json")]
        return {**NOTE, "input": ""}

    folder.write("BRATS_001", write)
    assert sorted(content("out")) == ["BRATS_001.json", "BRATS_001.nii.gz"]


def test_a_mask_that_cannot_be_written_leaves_the_earlier_one() -> None:
    predict(mask="old")
    before = content("out")

    def write(path: Path) -> dict[str, object]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=r"No space left on device: 'out/BRATS_001\.nii\.gz'"):
        LabelMapFolder(Path("out"), Predictor.of_run(RUN)).write("BRATS_001", write)
    assert content("out") == before


def test_what_a_killed_prediction_of_an_earlier_version_left_is_removed() -> None:
    predict()
    left = unfinished_of_dead_process(Path("out/BRATS_001"))
    left.mkdir()
    (left / "BRATS_001.nii.gz").write_text("half")
    assert len(list(Path("out").glob("*.nii.gz"))) == 2

    predict()
    assert not left.exists()
