"""What is chosen by ``tune`` is done by ``test``, ``predict`` and ``load_run``."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy import ndimage

from data_modules.case_volume import read_case
from data_modules.catalog.cases_to_predict import cases_to_predict
from lightning_app import load_run
from lightning_app.commands.tune import TuneCLI
from lightning_app.runs.folder import Run, find_runs
from lightning_app.tuning.sources import Source
from lightning_app.tuning.tuning_case import TuningCase
from tests.conftest import Program

Capture = pytest.CaptureFixture[str]
LARGEST = {
    "format": 1,
    "target": "whole",
    "threshold": 0.4,
    "operations": [{"name": "smallest_component", "mm3": 12}, {"name": "largest_component"}],
}


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_app.tuning.objectives.cores", lambda: 1)


@pytest.fixture
def run(program: Program, toy_root: Path) -> Run:
    """A run whose network marks a tenth of the head, in many regions; ten cases are validated."""
    volumes = ("--data.slices", "all", "--data.split_sizes", "[2,10,2]")
    assert program("fit", *volumes) == 0
    (run,) = find_runs(Path("runs"))
    logits = logits_of(run, toy_root)
    scale = 3 / logits.std()
    checkpoint = torch.load(run.best, weights_only=True)
    bias = checkpoint["state_dict"]["network.head.bias"]
    checkpoint["state_dict"]["network.head.weight"] *= scale
    bias.copy_(scale * (bias - logits.quantile(0.9)))
    torch.save(checkpoint, run.best)
    assert 0.05 < (logits_of(run, toy_root) > 0).float().mean() < 0.2
    return run


def logits_of(run: Run, root: Path) -> torch.Tensor:
    """Of a case."""
    folder = min(root.iterdir())
    (case,) = cases_to_predict(folder, ["t1c"], "auto")
    trained = load_run(run.path)
    with torch.no_grad():
        image = torch.from_numpy(read_case(case, ["t1c"], (32, 32)).image[1:])
        logits: torch.Tensor = trained.network(image)
    return logits


def record(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def write_postprocessing(run: Run, content: dict[str, Any]) -> None:
    run.postprocessing.write_text(json.dumps(content), encoding="utf-8")


def predicted_ml(run: Run) -> dict[str, float]:
    with run.test().volumes.open(newline="", encoding="utf-8") as file:
        return {row["case"]: float(row["volume_predicted_ml"]) for row in csv.DictReader(file)}


def test_what_is_chosen_is_recorded_with_all_that_was_tried(
    program: Program, run: Run, capsys: Capture
) -> None:
    assert program("tune") == 0

    printed, chosen = capsys.readouterr().out, record(run.postprocessing)
    assert (chosen["target"], chosen["run"]) == ("whole", f"unet_t1c/{run.path.name}")
    assert chosen["objective"]["before"] < 0.5
    assert [len(step["candidates"]) for step in chosen["steps"]] == [8, 5, 1]
    validation = chosen["chosen_on"]["runs"]
    with run.split.open(newline="", encoding="utf-8") as file:
        rows = [row["patient"] for row in csv.DictReader(file) if row["side"] == "val"]
    assert [(part["split"], part["patients"]) for part in validation] == [("val", sorted(rows))]
    assert chosen["objective"]["after"] >= chosen["objective"]["before"]
    assert "Chosen on 10 patients: the validation split." in printed
    assert printed.splitlines()[-1].startswith("Test it: ")
    assert f"test --run {run.path}" in printed


def test_the_objective_without_postprocessing_is_that_of_the_volume_scores(
    program: Program, run: Run
) -> None:
    """Those of a test of the validation cases, whose dice and lesion_dice are computed apart."""
    assert program("tune") == 0
    rows = run.split.read_text("utf-8").splitlines()
    swapped = {"val": "test", "test": "val"}
    lines = [
        ",".join([*r.split(",")[:2], swapped.get(r.split(",")[2], r.split(",")[2])]) for r in rows
    ]
    Path("swapped.csv").write_text("\n".join(lines), encoding="utf-8")
    assert program("test", "--postprocess", "none", "--data.split_file", "swapped.csv") == 0
    (folder,) = run.other_tests()
    volumes = record(folder.metrics)["volumes"]["whole"]
    expected = (volumes["dice"]["value"] + volumes["lesion_dice"]["value"]) / 2
    assert record(run.postprocessing)["objective"]["before"] == pytest.approx(expected)


def test_a_test_has_the_scores_with_and_without(
    program: Program, run: Run, capsys: Capture
) -> None:
    assert program("test") == 0
    plain, ml = record(run.test().metrics), predicted_ml(run)
    assert plain["postprocessing"] is None
    assert "scores_raw" not in plain

    write_postprocessing(run, LARGEST)
    capsys.readouterr()
    assert program("test") == 0
    changed = record(run.test().metrics)
    assert "Post-processing: threshold 0.4, components from 12 mm^3, the largest component" in (
        capsys.readouterr().out
    )
    assert changed["scores_raw"] == plain["scores"]
    assert changed["volumes_raw"] == plain["volumes"]
    assert changed["scores"] != plain["scores"]
    assert changed["postprocessing"]["operations"] == LARGEST["operations"]
    assert predicted_ml(run) != ml

    assert program("test", "--postprocess", "none") == 0
    again = record(run.test().metrics)
    assert (again["scores"], again["postprocessing"]) == (plain["scores"], None)


@pytest.mark.parametrize("operations", [LARGEST["operations"], []])
def test_test_predict_and_python_do_the_same(
    program: Program, run: Run, toy_root: Path, operations: list[dict[str, Any]]
) -> None:
    write_postprocessing(run, {**LARGEST, "operations": operations})
    assert program("test") == 0
    for case, ml in predicted_ml(run).items():
        folder = toy_root / case
        assert program("predict", "--input", str(folder), "--output", "masks") == 0
        note = record(Path("masks") / f"{case}.json")
        assert note["ml"]["1"] == pytest.approx(ml)
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(Path("masks") / f"{case}.nii.gz")))
        _, components = ndimage.label(mask, np.ones((3, 3, 3)))
        assert components == 1 if operations else components > 1
        assert note["postprocessing"] == {"threshold": 0.4, "operations": operations}
        assert np.count_nonzero(load_run(run.path).segment(folder)) / 1000 == pytest.approx(ml)


def test_too_few_patients_choose_nothing(program: Program, capsys: Capture) -> None:
    assert program("fit", "--data.slices", "all") == 0
    (run,) = find_runs(Path("runs"))
    capsys.readouterr()
    assert program("tune") == 0
    chosen = record(run.postprocessing)
    assert (chosen["operations"], chosen["threshold"], chosen["steps"]) == ([], 0.5, [])
    assert re.fullmatch(r"\d patients?, and an interval needs at least 10", chosen["reason"])
    assert "Post-processing: none, as" in capsys.readouterr().out
    assert program("test") == 0
    metrics = record(run.test().metrics)
    assert metrics["postprocessing"]["operations"] == []
    assert "scores_raw" not in metrics


def test_folds_choose_on_patients_outside_the_fold(program: Program) -> None:
    for fold in range(3):
        folds = ("--data.slices", "all", "--data.folds", "3", "--data.fold", str(fold))
        assert program("fit", *folds) == 0
    runs = find_runs(Path("runs"))[::-1]
    tested = []
    for run in runs:
        with run.split.open(newline="", encoding="utf-8") as file:
            tested.append({r["patient"] for r in csv.DictReader(file) if r["side"] == "test"})
    outside = max(range(3), key=lambda fold: sum(len(tested[f]) for f in range(3) if f != fold))
    assert program("tune", "--run", str(runs[outside].path)) == 0
    chosen = record(runs[outside].postprocessing)
    parts = {part["run"]: set(part["patients"]) for part in chosen["chosen_on"]["runs"]}
    assert parts == {
        f"unet_t1c/{runs[fold].path.name}": tested[fold] for fold in range(3) if fold != outside
    }
    assert chosen["chosen_on"]["patients"] == 10
    assert chosen["checked_on"]["run"] == f"unet_t1c/{runs[outside].path.name}"
    assert set(chosen["checked_on"]["patients"]) == tested[(outside + 1) % 3]
    for step in chosen["steps"]:
        own = step["own_validation"]
        gains = (step["gain"]["low"] or 0) > 0
        assert step["adopted"] == (gains and own["after"] >= own["before"])


def test_all_folds_at_once_choose_what_each_chooses(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for fold in range(3):
        folds = ("--data.slices", "all", "--data.folds", "3", "--data.fold", str(fold))
        assert program("fit", *folds) == 0
    runs = find_runs(Path("runs"))[::-1]
    predicted: list[Source] = []
    cases_of = TuneCLI._cases_of

    def noted(cli: TuneCLI, source: Source) -> list[TuningCase]:
        predicted.append(source)
        return cases_of(cli, source)

    monkeypatch.setattr("lightning_app.tuning.sources.FEWEST_PATIENTS", 9)
    monkeypatch.setattr("lightning_app.commands.tune.FEWEST_PATIENTS", 9)
    monkeypatch.setattr("lightning_app.tuning.choice.FEWEST_PATIENTS", 9)
    monkeypatch.setattr(TuneCLI, "_cases_of", noted)
    assert program("tune", "--ensemble", "unet_t1c") == 0
    once = [(run.path, split) for run in runs for split in ("test", "val")]
    assert sorted((source.run.path, source.split) for source in predicted) == sorted(once)
    assert capsys.readouterr().out.count("Test it: ") == 4 + 2  # of fit, and of tune
    together = [record(run.postprocessing) for run in runs]
    for run, chosen in zip(runs, together, strict=True):
        assert program("tune", "--run", str(run.path)) == 0
        alone = record(run.postprocessing)
        assert {**alone, "date": ""} == {**chosen, "date": ""}


def test_a_better_epoch_since_is_said(program: Program, run: Run, capsys: Capture) -> None:
    assert program("tune") == 0
    assert program("test") == 0
    assert "tune again" not in capsys.readouterr().out
    checkpoint = torch.load(run.best, weights_only=True)
    torch.save({**checkpoint, "epoch": 7}, run.best)
    assert program("test") == 0
    assert "the run has a better epoch since: tune again" in capsys.readouterr().out


def test_joined_runs_do_not_use_what_was_chosen_for_one(
    program: Program, run: Run, capsys: Capture
) -> None:
    write_postprocessing(run, LARGEST)
    assert program("test", "--run", str(run.path), "--tta", "mirror") == 0
    assert "is not used; it was chosen for the run by itself" in capsys.readouterr().out
    (folder,) = Path("runs/ensembles").iterdir()
    assert record(folder / "test" / "metrics.json")["postprocessing"] is None
    mirrored = ("--run", str(run.path), "--tta", "mirror")
    assert program("test", *mirrored, "--postprocess", str(run.postprocessing)) == 0
    metrics = record(folder / "test" / "metrics.json")
    assert metrics["postprocessing"]["file"] == str(run.postprocessing)
    assert "scores_raw" in metrics


def test_each_fold_is_predicted_by_its_own_weights(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One network marks everything, the other nothing."""
    for fold in range(3):
        folds = ("--data.slices", "all", "--data.folds", "3", "--data.fold", str(fold))
        assert program("fit", *folds) == 0
    first, *others = find_runs(Path("runs"))[::-1]
    for run, logit in zip(others, (1000.0, -1000.0), strict=True):
        checkpoint = torch.load(run.best, weights_only=True)
        checkpoint["state_dict"]["network.head.weight"].zero_()
        checkpoint["state_dict"]["network.head.bias"].fill_(logit)
        torch.save(checkpoint, run.best)
    seen: dict[str, float] = {}

    def choose(steps: object, objectives: Any, patients: Any, own: Any) -> Any:
        from lightning_app.postprocessing.postprocessing import NOTHING
        from lightning_app.tuning.choice import Choice

        seen.update(zip(patients, objectives([NOTHING])[0], strict=True))
        return Choice(NOTHING, len(seen))

    monkeypatch.setattr("lightning_app.commands.tune.choose", choose)
    monkeypatch.setattr("lightning_app.tuning.sources.FEWEST_PATIENTS", 1)
    monkeypatch.setattr("lightning_app.commands.tune.FEWEST_PATIENTS", 1)
    assert program("tune", "--run", str(first.path)) == 0
    parts = record(first.postprocessing)["chosen_on"]["runs"]
    everything, nothing = ([seen[p] for p in part["patients"]] for part in parts)
    assert min(everything) > 0
    assert max(nothing) == 0


def test_a_file_that_cannot_be_used_stops_the_test_in_a_line(
    program: Program, run: Run, capsys: Capture
) -> None:
    write_postprocessing(run, {**LARGEST, "threshold": 2})
    capsys.readouterr()
    assert program("test") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("threshold is 2, expected a number between 0 and 1")
    assert not run.test().path.exists()

    assert program("test", "--postprocess", "missing.json") == 2
    assert "--postprocess is 'missing.json', expected auto, none or" in capsys.readouterr().err


def test_single_slices_are_left_as_they_are(program: Program, run: Run, capsys: Capture) -> None:
    write_postprocessing(run, LARGEST)
    middle = ("--data.eval_slices", "middle")
    assert program("test", *middle) == 0
    assert "is not used; it is for whole volumes" in capsys.readouterr().out
    (folder,) = run.other_tests()
    assert record(folder.metrics)["postprocessing"] is None
    assert program("test", *middle, "--postprocess", str(run.postprocessing)) == 2
    assert "it is for whole volumes" in capsys.readouterr().err
    assert program("tune", *middle) == 2
    assert "data.eval_slices is middle, expected all" in capsys.readouterr().err


def test_other_patients_are_refused(program: Program, run: Run, capsys: Capture) -> None:
    assert program("tune", "--data.split_seed", "7") == 2
    assert "leave out options that change its data" in capsys.readouterr().err
    assert not run.postprocessing.exists()


def test_a_part_of_the_patients_is_refused(program: Program, run: Run, capsys: Capture) -> None:
    assert program("tune", "--trainer.limit_predict_batches", "1") == 2
    assert "trainer.limit_predict_batches is 1: tune chooses on all" in capsys.readouterr().err
    assert not run.postprocessing.exists()
