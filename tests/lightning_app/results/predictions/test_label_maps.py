"""Volumes in, label maps out, on the input's own grid."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from torch import nn

from data_modules.volume_dataset import Volume
from lightning_app.runs.folder import find_runs
from lightning_app.task import SegmentationTask
from tests.conftest import Program
from tests.helpers.toy import REAL, toy_image, toy_labels, write_case


@pytest.fixture
def learned(program: Program) -> Program:
    """A program with a run that has learned the toy tumours on all slices."""
    flags = ["--trainer.max_epochs", "12", "--optimizer.lr", "0.01", "--data.slices", "all"]
    widths = ["--model.network.init_args.widths", "[8,8,8,8,8]"]
    assert program("fit", *flags, *widths) == 0
    return program


def dice(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    return float(2 * (one & two).sum() / (one.sum() + two.sum()))


def test_the_label_map_lies_on_the_inputs_grid_in_any_orientation(
    learned: Program, tmp_path: Path
) -> None:
    labels = toy_labels(seed=77)
    straight = sitk.GetImageFromArray(toy_image(labels, seed=5))
    straight.SetOrigin((3.0, -20.5, 7.0))
    truth = sitk.GetImageFromArray(labels)
    truth.CopyInformation(straight)
    for orientation in ("LPS", "RAS", "PIR", "ASL"):
        case = f"head-{orientation}"
        source = tmp_path / "in" / case / f"{case}-t1c.nii.gz"
        source.parent.mkdir(parents=True)
        sitk.WriteImage(sitk.DICOMOrient(straight, orientation), str(source))

    assert learned("predict", "--input", "in", "--output", "out") == 0

    for orientation in ("LPS", "RAS", "PIR", "ASL"):
        case = f"head-{orientation}"
        written = sitk.ReadImage(f"out/{case}.nii.gz")
        source = sitk.ReadImage(f"in/{case}/{case}-t1c.nii.gz")
        for what in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(written, what)() == getattr(source, what)()
        expected = sitk.GetArrayFromImage(sitk.DICOMOrient(truth, orientation)) > 0
        assert dice(sitk.GetArrayFromImage(written) > 0, expected) > 0.7
        assert written.GetPixelID() == sitk.sitkUInt8


def test_a_case_needs_no_segmentation_and_a_json_names_the_values(
    learned: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = write_case(tmp_path, "patient one", names={"t1c": "-t1c"})
    assert learned("predict", "--input", str(case), "--output", "new/out") == 0

    note = json.loads(Path("new/out/patient one.json").read_text("utf-8"))
    written = sitk.GetArrayFromImage(sitk.ReadImage("new/out/patient one.nii.gz"))
    assert note["labels"] == {"1": "whole tumour"}
    assert note["voxels"] == {"1": int((written == 1).sum())}
    assert note["ml"] == {"1": pytest.approx((written == 1).sum() / 1000)}
    assert set(np.unique(written)) <= {0, 1}
    assert sorted(path.name for path in Path("new/out").iterdir()) == [
        "patient one.json", "patient one.nii.gz",
    ]  # fmt: skip
    assert "warning" not in capsys.readouterr().err


def test_pictures_show_up_to_eight_slices_with_tumour(
    learned: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(tmp_path / "in", "patient", names={"t1c": "-t1c"})
    empty = tmp_path / "in" / "empty" / "empty-t1c.nii.gz"
    empty.parent.mkdir()
    healthy = np.where(toy_image(toy_labels(3), seed=3) > 0, 100, 0)
    healthy[:, 10:30, 10:30] += np.arange(20)
    sitk.WriteImage(sitk.GetImageFromArray(healthy.astype(np.int16)), str(empty))
    drawn: dict[str, tuple[list[str], bool]] = {}

    def draw(
        path: Path, images: object, masks: NDArray[np.bool_], titles: list[str], *_: object
    ) -> None:
        drawn[path.name] = (titles, bool(masks.any(axis=(1, 2, 3)).all()))

    monkeypatch.setattr("lightning_app.results.predictions.case_picture.draw_batch", draw)
    assert learned("predict", "--input", "in", "--output", "out", "--pictures") == 0

    written = sitk.GetArrayFromImage(sitk.ReadImage("out/patient.nii.gz"))
    titles, have_tumour = drawn["patient.png"]
    assert 0 < len(titles) <= 8
    assert have_tumour
    assert {int(title.split()[1]) for title in titles} <= set(np.flatnonzero(written.any((1, 2))))
    assert drawn["empty.png"][0]


def test_a_picture_is_a_file_beside_the_label_maps(learned: Program, tmp_path: Path) -> None:
    case = write_case(tmp_path, "patient", names={"t1c": "-t1c"})
    assert learned("predict", "--input", str(case), "--output", "out", "--pictures") == 0
    assert Path("out/pictures/patient.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("target", "values"), [("regions", "213"), ("labels", "123")])
def test_several_classes_are_written_with_the_values_of_brats_2023(
    target: str, values: str, program: Program, tmp_path: Path
) -> None:
    assert program("fit", "--data.target", target) == 0
    case = write_case(tmp_path, "patient", names={"t1c": "-t1c"})
    assert program("predict", "--input", str(case), "--output", "out") == 0

    note = json.loads(Path("out/patient.json").read_text("utf-8"))
    assert list(note["labels"]) == list(values)
    # Weights that know no pixel from another: each class in turn is all there is.
    (run,) = find_runs(Path("runs"))
    for index, value in enumerate(values):
        checkpoint = torch.load(run.best, weights_only=True)
        checkpoint["state_dict"]["network.head.weight"].zero_()
        bias = checkpoint["state_dict"]["network.head.bias"].fill_(-50)
        bias[index + (target == "labels")] = 50
        torch.save(checkpoint, run.best)
        assert program("predict", "--input", str(case), "--output", "out") == 0
        written = sitk.GetArrayFromImage(sitk.ReadImage("out/patient.nii.gz"))
        assert set(np.unique(written[:, 4:36, 4:36])) == {int(value)}


def test_it_says_what_the_network_has_not_seen(
    program: Program, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert program("fit") == 0
    case = tmp_path / "thick"
    case.mkdir()
    image = sitk.GetImageFromArray(toy_image(toy_labels(1), seed=1))
    image.SetSpacing((1, 1, 5))
    sitk.WriteImage(sitk.DICOMOrient(image, "PIR"), str(case / "thick-t1c.nii.gz"))
    assert program("predict", "--input", str(case), "--output", "out") == 0

    assert "trained on middle slices only" in caplog.text
    assert "thick: spacing 5 mm along z, the network was trained on 1 mm" in caplog.text


@pytest.mark.parametrize("output", ["imagesTs", "labelsTs"])
def test_scans_and_ground_truth_are_not_replaced_by_label_maps_of_the_same_name(
    output: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    for folder in ("imagesTs", "labelsTs"):
        Path(folder).mkdir()
        Path(folder, "BRATS_001.nii.gz").write_text("irreplaceable")
    capsys.readouterr()

    options = ("--input", "imagesTs", "--output", output, "--overwrite")
    assert program("predict", *options) == 2

    assert capsys.readouterr().err == (
        f"error: --output '{output}': BRATS_001.nii.gz is an input file, which predict would "
        "replace: name another folder\n"
    )
    (file,) = Path(output).iterdir()
    assert file.read_text() == "irreplaceable"


def test_a_case_without_the_modality_stops_before_any_is_written(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    write_case(tmp_path / "in", "a", names={"t1c": "-t1c"})
    write_case(tmp_path / "in", "b", names={"t2w": "-t2w"})
    assert program("predict", "--input", "in", "--output", "out") == 2

    assert "case b has no t1c image" in capsys.readouterr().err
    assert not Path("out").exists()


def test_one_bad_case_does_not_stop_the_others(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    for name in ("a", "b", "c"):
        write_case(tmp_path / "in", name, names={"t1c": "-t1c"}, size=24)
    (tmp_path / "in" / "b" / "b-t1c.nii.gz").write_bytes(b"no image")
    assert program("predict", "--input", "in", "--output", "out") == 2

    assert sorted(path.stem for path in Path("out").glob("*.json")) == ["a", "c"]
    assert "cases that could not be segmented: 1 (" in capsys.readouterr().err
    note = json.loads(Path("out/a.json").read_text("utf-8"))  # smaller than the network's slices
    written = sitk.GetArrayFromImage(sitk.ReadImage("out/a.nii.gz"))
    assert note["voxels"] == {"1": int(written.sum())}


def test_an_input_that_is_no_folder_is_called_by_its_own_name(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    capsys.readouterr()
    assert program("predict", "--input", "nope", "--output", "out") == 2
    assert "--input 'nope' is not a folder" in capsys.readouterr().err


def test_a_network_whose_logits_are_known_gives_known_labels(program: Program) -> None:
    """The head's weights are set so that every pixel is tumour, or none."""
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    write_case(Path("in"), "a", names={"t1c": "-t1c"}, size=40)
    for bias, share in ((50.0, 32 * 32 / 40**2), (-50.0, 0.0)):  # cropped to 32 x 32 and back
        checkpoint = torch.load(run.best, weights_only=True)
        checkpoint["state_dict"]["network.head.weight"].zero_()
        checkpoint["state_dict"]["network.head.bias"].fill_(bias)
        torch.save(checkpoint, run.best)
        assert program("predict", "--input", "in", "--output", "out") == 0
        written = sitk.GetArrayFromImage(sitk.ReadImage("out/a.nii.gz"))
        assert written.mean() == pytest.approx(share)
        assert written[:, 4:36, 4:36].all() == (share > 0)


def test_slices_without_brain_are_not_run_and_are_empty() -> None:
    class Everything(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.run: list[torch.Tensor] = []

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.run.append(x)
            return torch.ones_like(x[:, :1])

    network = Everything()
    image = torch.zeros(40, 2, 4, 4)
    image[3:36, 1, 2] = -1.5  # brain in one modality alone
    image[20] = 0
    volume: Volume = {
        "image": image,
        "case": 0,
        "spacing": (1, 1, 1),
        "window": (0, 0, 4, 4),
        "problem": None,
    }
    label_map = SegmentationTask(network, nn.Identity()).predict_step(volume).labels

    with_brain = [*range(3, 20), *range(21, 36)]
    assert torch.equal(torch.cat(network.run), image[with_brain])
    assert torch.equal(
        label_map.any(dim=2).any(dim=1).nonzero().flatten(), torch.tensor(with_brain)
    )
    assert label_map.shape == (40, 4, 4)


@pytest.mark.skipif(not REAL.exists(), reason="needs the folder of real patients")
def test_a_real_patient_is_segmented_on_its_own_grid(program: Program) -> None:
    case = REAL / "brats" / "BraTS2021_00006"
    assert program("fit") == 0
    assert program("predict", "--input", str(case), "--output", "out") == 0

    written = sitk.ReadImage("out/BraTS2021_00006.nii.gz")
    source = sitk.ReadImage(str(case / "BraTS2021_00006-t1c.nii.gz"))
    assert written.GetSize() == source.GetSize() == (240, 240, 155)
    assert written.GetOrigin() == source.GetOrigin()


def test_a_picture_that_predict_did_not_draw_is_not_replaced(
    learned: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = write_case(tmp_path, "patient", names={"t1c": "-t1c"})
    picture = Path("out/pictures/patient.png")
    picture.parent.mkdir(parents=True)
    picture.write_text("mine")
    predict = ("predict", "--input", str(case), "--output", "out")

    assert learned(*predict, "--pictures", "--overwrite") == 2
    assert "pictures/patient.png was not drawn by predict" in capsys.readouterr().err
    assert picture.read_text() == "mine"
    assert not Path("out/patient.nii.gz").exists()

    picture.unlink()
    assert learned(*predict, "--pictures") == 0
    Path("out/patient.nii.gz").unlink()
    Path("out/patient.json").unlink()
    assert learned(*predict, "--pictures") == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_single_file_is_scored_with_the_folder_of_its_case(
    learned: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = write_case(tmp_path, "BraTS-GLI-00001-000")
    image = case / "BraTS-GLI-00001-000-t1c.nii.gz"
    assert learned("predict", "--input", str(image), "--output", "out") == 0
    command = capsys.readouterr().out.partition("Score them: python main.py ")[2].split()
    assert learned(*command) == 0
