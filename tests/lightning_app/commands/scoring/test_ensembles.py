"""Several runs joined, and mirrored images, in test and predict."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import yaml
from numpy.typing import NDArray

from data_modules.case_volume import read_case
from data_modules.catalog.cases import find_cases
from data_modules.io.crop_or_pad import crop_or_pad
from lightning_app import load_run
from lightning_app.cli import main
from lightning_app.runs.folder import Run, TestFolder, find_runs
from tests.helpers.toy import toy_config, write_case

Capture = pytest.CaptureFixture[str]
REGIONS = ("whole", "core", "enhancing")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_root: Path) -> Path:
    """A root with two seeds of an experiment and a run of another network."""
    folder = tmp_path_factory.mktemp("trained")
    config = toy_config(toy_root)
    config["trainer"] |= {"logger": False, "default_root_dir": str(folder / "runs")}
    config["data"] |= {"target": "regions", "slices": "all", "split_sizes": [0.3, 0.2, 0.5]}
    config["optimizer"] = {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.01}}
    (folder / "toy.yaml").write_text(yaml.safe_dump(config), "utf-8")
    toy = ["--config", str(folder / "toy.yaml")]
    for experiment, seed in (("unet_t1c", 0), ("unet_t1c", 1), ("attention_unet_t1c", 0)):
        words = ["--config", f"{experiment}.yaml", *toy, "--seed_everything", str(seed)]
        assert main(["fit", *words]) == 0
    return folder / "runs"


@pytest.fixture(autouse=True)
def _copy(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of them in ``runs`` of the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "runs")


def runs_of(experiment: str) -> list[Run]:
    """The oldest first."""
    return [run for run in find_runs(Path("runs")) if run.experiment == experiment][::-1]


def record(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads(TestFolder(folder).metrics.read_text("utf-8"))
    return content


def error_of(capsys: Capture) -> str:
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def oblique_case(folder: Path) -> Path:
    """A case whose axes are in another order and are turned by 0.1 about the head's."""
    case = write_case(folder, "patient", seed=3, names={"t1c": "-t1c"}, depth=5)
    path = str(case / "patient-t1c.nii.gz")
    image = sitk.DICOMOrient(sitk.ReadImage(path), "PIR")
    turn = sitk.Euler3DTransform((0, 0, 0), 0, 0, 0.1).GetMatrix()
    direction = np.reshape(turn, (3, 3)) @ np.reshape(image.GetDirection(), (3, 3))
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, path)
    return case


def predicted(case: Path, *options: str) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The label map and the probabilities (classes, z, y, x) of a case, on one grid."""
    output = f"out{len(os.listdir())}"  # noqa: PTH208
    words = ["--input", str(case), "--output", output, "--probabilities"]
    assert main(["predict", *words, *options]) == 0
    labels = sitk.ReadImage(f"{output}/{case.name}.nii.gz")
    classes = sitk.ReadImage(f"{output}/probabilities/{case.name}.nii.gz")
    whole = sitk.Extract(classes, [*labels.GetSize(), 0])
    for what in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(whole, what)() == getattr(labels, what)()
    assert classes.GetPixelID() == sitk.sitkFloat32
    return sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(classes)


def test_probabilities_are_means_over_runs_and_give_the_masks(tmp_path: Path) -> None:
    case, (first, second) = oblique_case(tmp_path / "in"), runs_of("unet_t1c")
    names = ["--run", str(first.path)], ["--run", str(second.path)]
    (_, one), (_, two) = (predicted(case, *name) for name in names)

    labels, joined = predicted(case, *names[0], *names[1])

    assert joined.shape == (3, 40, 5, 40)
    np.testing.assert_allclose(joined, (one + two) / 2, atol=1e-6)
    assert abs(one - two).max() > 0.01
    whole, core, enhancing = joined > 0.5
    expected = np.where(enhancing, 3, np.where(core, 1, np.where(whole, 2, 0)))
    assert len(np.unique(labels)) > 1
    np.testing.assert_array_equal(labels, expected)


def test_mirrored_probabilities_are_means_over_four_images(tmp_path: Path) -> None:
    case = write_case(tmp_path / "in", "patient", seed=3, names={"t1c": "-t1c"})
    run = load_run(runs_of("unet_t1c")[0].path)
    (found,) = find_cases(case, "auto")
    image = torch.from_numpy(read_case(found, ["t1c"], (32, 32)).image)
    with torch.no_grad():
        expected = sum(
            run.network(image.flip(axes)).flip(axes).sigmoid() / 4
            for axes in ((), (2,), (3,), (2, 3))
        )
    brain = image.flatten(1).any(dim=1)

    _, mirrored = predicted(case, "--run", str(run.path), "--tta", "mirror")

    of_classes = (torch.as_tensor(expected) * brain[:, None, None, None]).transpose(0, 1)
    np.testing.assert_allclose(mirrored, crop_or_pad(of_classes.numpy(), (40, 40)), atol=1e-5)


def test_two_copies_of_a_run_have_the_masks_of_the_run() -> None:
    (first, _) = runs_of("unet_t1c")
    copy = first.path.with_name("20200101-000000-c0ffee")
    shutil.copytree(first.path, copy)
    assert main(["test", "--run", str(first.path)]) == 0
    own = first.test().metrics.read_bytes()

    assert main(["test", "--run", str(first.path), "--run", str(copy), "--name", "twice"]) == 0

    joined = TestFolder(Path("runs/ensembles/twice/test"))
    for file in ("slices.csv", "cases.csv", "volumes.csv"):
        assert (joined.path / file).read_bytes() == (first.test().path / file).read_bytes()
    assert first.test().metrics.read_bytes() == own


def test_an_experiment_is_joined_tested_listed_and_reported(capsys: Capture) -> None:
    first, second = runs_of("unet_t1c")
    assert main(["test", "--run", str(first.path)]) == 0
    capsys.readouterr()

    assert main(["test", "--ensemble", "unet_t1c", "--tta", "mirror"]) == 0

    output = capsys.readouterr().out
    assert output.startswith(
        "Mean probability of 2 runs, on each image and its three mirror images:\n"
        f"  {first.path}\n  {second.path}\n"
    )
    assert "optimistic" not in output
    content = record(Path("runs/ensembles/unet_t1c-mirror/test"))
    assert content["tta"] == "mirror"
    assert "run" not in content
    for member, run in zip(content["members"], (first, second), strict=True):  # type: ignore[call-overload]
        saved = torch.load(run.best, weights_only=True)
        name = f"unet_t1c/{run.path.name}"
        assert (member["run"], member["path"], member["network"]) == (name, name, "models.UNet")
        assert member["checkpoint"]["epoch"] == saved["epoch"]
        assert member["commit"] == json.loads(run.environment.read_text("utf-8"))["git"]["commit"]

    assert main(["runs"]) == 0
    listed = capsys.readouterr().out
    assert "ensemble of 2, mirrored" in listed
    assert "3 runs and 1 ensemble below 'runs'\n" in listed
    assert main(["report"]) == 0
    text = Path("runs/report/scores.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    settings = {row["settings"]: row for row in rows if row["target"] == "whole"}
    expected = content["scores"]["whole"]["dice"]["value"]  # type: ignore[index]
    assert float(settings["ensemble of 2, mirrored"]["dice"]) == expected
    assert main(["clean"]) == 0
    assert "ensembles" not in capsys.readouterr().out


def test_networks_of_different_kinds_can_be_joined_and_tested_on_other_data(
    tmp_path: Path, capsys: Capture
) -> None:
    for number in range(2):
        write_case(tmp_path / "hospital", f"BraTS-GLI-{100 + number:05d}-000", seed=number)
    data = ["--data.root", str(tmp_path / "hospital"), "--data.split_sizes", "all-test"]

    assert main(["test", "--run", "unet_t1c", "--run", "attention_unet_t1c", *data]) == 0

    ids = [runs_of(name)[-1].path.name[-6:] for name in ("unet_t1c", "attention_unet_t1c")]
    (folder,) = Path(f"runs/ensembles/unet_t1c-{ids[0]}+attention_unet_t1c-{ids[1]}").iterdir()
    assert folder.name.startswith("test-")
    content = record(folder)
    networks = [member["network"] for member in content["members"]]  # type: ignore[attr-defined]
    assert networks == ["models.UNet", "models.AttentionUNet"]
    assert (content["patients"], content["patients_trained_on"]) == (2, 0)
    assert "Compare the tested runs: " in capsys.readouterr().out


def test_patients_that_any_run_has_seen_are_said_before_and_after(
    capsys: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = runs_of("unet_t1c")
    rows = list(csv.reader(second.split.read_text("utf-8").splitlines()))
    tested = [row for row in rows if row[2] == "test"]
    tested[0][2], tested[1][2] = "train", "val"  # as if it were another fold
    with second.split.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)

    assert main(["test", "--ensemble", "unet_t1c"]) == 0

    number = len(tested)
    assert f"has {number} patients, 2 of which other runs of the ensemble" in caplog.text
    note = f"was trained, or its best epoch chosen, on 2 of {number} patients: these scores are"
    assert note in capsys.readouterr().out
    assert record(Path("runs/ensembles/unet_t1c/test"))["patients_trained_on"] == 2
    assert first.path.exists()


def test_runs_that_are_not_finished_are_left_out_of_an_ensemble(
    tmp_path: Path, capsys: Capture
) -> None:
    first, second = runs_of("unet_t1c")
    third = Run(first.path.with_name("20200101-000000-c0ffee"))
    shutil.copytree(first.path, third.path)
    third.status.write_text('{"status": "failed"}', "utf-8")
    case = write_case(tmp_path / "in", "patient", names={"t1c": "-t1c"})
    words = ["predict", "--input", str(case), "--ensemble", "runs/unet_t1c"]

    assert main([*words, "--output", "out"]) == 0

    output = capsys.readouterr().out
    assert f"  Left out: {third.path}: not finished, its status is failed\n" in output
    assert output.startswith("Mean probability of 2 runs:\n")
    second.best.unlink()
    assert main([*words, "--output", "more"]) == 2
    assert error_of(capsys) == (
        "error: --ensemble 'runs/unet_t1c' needs two finished runs, there is 1 run; left out: "
        f"{third.path}: not finished, its status is failed; {second.path}: it has no checkpoint "
        "best.ckpt"
    )
    assert not Path("more").exists()


def test_masks_of_other_runs_are_not_replaced(tmp_path: Path, capsys: Capture) -> None:
    case = write_case(tmp_path / "in", "patient", names={"t1c": "-t1c"})
    first, second = (str(run.path) for run in runs_of("unet_t1c"))
    words = ["predict", "--input", str(case), "--output", "out", "--run", first]
    assert main([*words, "--tta", "mirror", "--probabilities"]) == 0
    assert main([*words, "--tta", "mirror", "--probabilities"]) == 0  # its own
    capsys.readouterr()

    assert main(words) == 2
    assert f"patient.nii.gz is of run '{first}' on mirrored images: name" in error_of(capsys)
    assert main([*words, "--run", second, "--overwrite"]) == 0
    assert main([*words, "--run", second, "--probabilities"]) == 2
    assert "--output 'out/probabilities': patient.nii.gz is of run" in error_of(capsys)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tta", "flip"], "--tta is 'flip', expected mirror"),
        (["--ensemble", "unet_t1c", "--run", "unet_t1c"], "expected only one of them"),
        (["--run", "unet_t1c", "--run", "runs/unet_t1c"], "twice: expected different runs"),
        (["--ensemble", "unet_t2"], "no run of experiment 'unet_t2' below 'runs'; nearest: unet"),
        (["--ensemble", "attention_unet_t1c"], "needs two finished runs, there is 1 run"),
        (["--name", "x"], "that of a run by itself goes into the run's folder"),
        (["--ensemble", "unet_t1c", "--name", "a/b"], "the ensemble's name is 'a/b', expected"),
        (["--run", "unet_t1c", "--run", "aspp"], "no trained run 'aspp' below 'runs'"),
        (["--config", "tta.yaml"], "tta is 'mirror' in a config: give it as --tta"),
    ],
)
def test_what_cannot_be_joined_is_one_line(words: list[str], message: str, capsys: Capture) -> None:
    Path("tta.yaml").write_text("tta: mirror", "utf-8")
    assert main(["test", *words]) == 2
    assert message in error_of(capsys)
    assert not Path("runs/ensembles").exists()


def test_a_run_without_its_best_weights_cannot_be_joined(capsys: Capture) -> None:
    first, second = runs_of("unet_t1c")
    first.best.unlink()
    assert main(["test", "--run", str(second.path), "--run", str(first.path)]) == 2
    assert "has no checkpoint at" in error_of(capsys)


def test_weights_that_do_not_fit_their_network_are_named(capsys: Capture) -> None:
    first, second = runs_of("unet_t1c")
    (other,) = runs_of("attention_unet_t1c")
    shutil.copy(other.best, second.best)
    assert main(["test", "--run", str(first.path), "--run", str(second.path)]) == 2
    assert f"the weights of '{second.best}' do not fit UNet" in error_of(capsys)


def test_validate_takes_one_run(capsys: Capture) -> None:
    assert main(["validate", "--run", "unet_t1c", "--run", "attention_unet_t1c"]) == 2
    assert "--run is given 2 times, expected one run to validate" in error_of(capsys)
