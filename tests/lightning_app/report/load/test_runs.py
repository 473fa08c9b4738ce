"""Which runs a report reads, and which not."""

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy import stats

from callbacks.timing.record import TimingRecord
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.runs import read_runs
from lightning_app.results.example_slices import read_example_slices
from lightning_app.runs.folder import Run
from lightning_app.utils.json_csv import write_csv
from tests.helpers.paths import ROOT
from tests.helpers.runs.damaged_records import yaml_bomb
from tests.helpers.runs.toy_results import HALF_WIDTH
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, twelve_cases

CASES = {"A-000": (10, 20, 5), "A-001": (0, 0, 0), "B-000": (8, 8, 8)}


def reasons(root: Path) -> dict[str, str]:
    return {left.name: left.reason for left in read_runs(root)[1]}


def test_what_a_run_is_comes_from_its_config_not_from_its_folder(tmp_path: Path) -> None:
    run = ToyRun(CASES, network=ASPP, modality="t1c+t2w", seed=7).write(tmp_path)
    run.path.parent.rename(tmp_path / "unet_t2f")

    ((found,), _) = read_runs(tmp_path)
    assert (found.network, found.modality, found.seed) == (ASPP, "t1c+t2w", 7)
    assert found.history == [(0, 0.25, 0.25), (2, 0.5, 0.5)]
    assert found.cases_per_split == {"train": 1, "val": 0, "test": 3}
    assert found.table.counts.tolist() == [[[5, 15, 5, 231]], [[0, 0, 0, 256]], [[8, 0, 0, 248]]]
    assert found.table.patients == ["A", "A", "B"]
    assert found.scores["whole"]["dice"].value == pytest.approx(2 * 13 / (28 + 18))
    assert found.training_time == found.inference_time == TimingRecord(None, None)


@pytest.mark.parametrize(
    ("checkpoint", "ratings", "is_outdated"),
    [
        ({"monitor": "val/dice_case", "mode": "max"}, [0.1, -math.inf, 0.4, 0.3], False),
        ({"monitor": "val/loss", "mode": "min"}, [-0.5, -0.1, -0.2, -0.3], True),
        ({"monitor": "val/mine", "mode": "max"}, [0.2, 0.9, 0.3, 0.8], True),  # Dice instead
    ],
)
def test_epochs_are_rated_by_what_the_best_checkpoint_follows(
    checkpoint: dict[str, str], ratings: list[float], is_outdated: bool, tmp_path: Path
) -> None:
    run = ToyRun(CASES, settings={"best_checkpoint": checkpoint}).write(tmp_path)
    rows = ["0,0.2,0.1,0.5", "1,0.9,,0.1", "2,0.3,0.4,0.2", "3,0.8,0.3,0.3"]
    header = "epoch,val/dice,val/dice_case,val/loss"
    run.metrics.write_text("\n".join([header, *rows]), "utf-8")

    ((found,), _) = read_runs(tmp_path)
    assert [epoch.rating for epoch in found.history] == ratings
    assert [epoch.dice for epoch in found.history] == [0.2, 0.9, 0.3, 0.8]
    assert found.weights[0].epoch == 2
    assert found.weights[0].better_epoch_exists == is_outdated


def test_why_a_run_is_not_reported(tmp_path: Path) -> None:
    ToyRun(CASES, name="20260101-000000-aaaaaa").write(tmp_path)
    ToyRun(CASES, name="20260103-000000-aaaaaa", status="interrupted").write(tmp_path)
    untested = ToyRun(CASES, name="20260104-000000-aaaaaa").write(tmp_path)
    untested.test().metrics.unlink()

    assert [run.run.path.name for run in read_runs(tmp_path)[0]] == ["20260101-000000-aaaaaa"]
    assert reasons(tmp_path) == {
        "UNet_t2f/20260103-000000-aaaaaa": "not finished: its status is interrupted",
        "UNet_t2f/20260104-000000-aaaaaa": (
            f"not tested: python main.py test --run {untested.path}"
        ),
    }


@pytest.mark.parametrize("what", ["config", "environment", "network", "split", "metrics"])
@pytest.mark.parametrize("damage", ["", "{", "[1, 2]", "a: [", "\x00\xff"])
def test_a_damaged_run_is_left_out_and_the_others_stay(
    what: str, damage: str, tmp_path: Path
) -> None:
    ToyRun(CASES, network=ASPP).write(tmp_path)
    run = ToyRun(CASES, network=UNET).write(tmp_path)
    damaged: Path = getattr(run, what)
    damaged.write_text(damage, "latin-1")

    runs, left_out = read_runs(tmp_path)
    assert [found.network for found in runs] == [ASPP]
    assert left_out[0].reason.startswith("cannot be read: ")
    assert "\n" not in left_out[0].reason
    if (what, damage) == ("network", "{"):
        assert left_out[0].reason.startswith("cannot be read: network.json: Expecting")


def edit_metrics(run: Run, edit: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(run.test().metrics.read_text("utf-8"))
    edit(content)
    run.test().metrics.write_text(json.dumps(content), "utf-8")


def test_a_count_score_newer_than_the_test_is_computed_from_its_slices(tmp_path: Path) -> None:
    cases = {f"P{i:02d}-000": (40, 40, both) for i, both in enumerate(range(20, 32))}
    run = ToyRun(cases).write(tmp_path)
    ((before,), _) = read_runs(tmp_path)
    edit_metrics(run, lambda content: content["scores"]["whole"].pop("dice_case"))

    ((after,), left_out) = read_runs(tmp_path)
    assert left_out == []
    recorded, computed = dict(before.scores["whole"]), dict(after.scores["whole"])
    newer = computed.pop("dice_case")
    assert newer.value == pytest.approx(np.mean(range(20, 32)) / 40)
    assert newer.value is not None
    assert newer.interval is not None
    assert newer.interval[0] < newer.value < newer.interval[1]
    assert recorded.pop("dice_case") == newer
    assert computed == recorded


def test_intervals_of_an_earlier_version_are_computed_anew(tmp_path: Path) -> None:
    ToyRun(twelve_cases(range(20, 32))).write(tmp_path)  # with intervals that are made up
    ((found,), _) = read_runs(tmp_path)
    for results in (found.scores["whole"], found.volumes["whole"]):
        defined = {n: r.value for n, r in results.items() if r.value is not None}
        assert defined
        for name, value in defined.items():
            assert results[name].interval != pytest.approx((value - HALF_WIDTH, value + HALF_WIDTH))
    dice = found.scores["whole"]["dice"]
    # 40 pixels in both masks of each case, so pooled Dice is the mean of 12 numbers. The worst
    # patient, or the best one, is counted twice.
    ends = []
    for sign, extreme in ((-1, 20), (1, 31)):
        values = np.array([*range(20, 32), extreme]) / 40
        mean, error = values.mean(), values.std(ddof=1) / math.sqrt(13)
        width = stats.t.ppf(0.975, 11) * error / (mean * (1 - mean))
        ends.append(1 / (1 + math.exp(-math.log(mean / (1 - mean)) - sign * width)))
    assert dice.interval == pytest.approx(ends)


def test_a_volume_score_newer_than_the_test_is_missing_with_the_reason(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_metrics(run, lambda content: content["volumes"]["whole"].pop("volume_error"))

    ((found,), left_out) = read_runs(tmp_path)
    assert left_out == []
    assert "volume_error" not in found.volumes["whole"]
    assert found.missing == {
        "volume_error": "UNet_t2f/20260101-000000-aaaaaa was tested before this score existed; "
        f"python main.py test --run {run.path} computes it"
    }


def test_a_volume_score_that_is_no_longer_computed_is_passed_over(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    result = {"value": 0.5, "low": None, "high": None}
    edit_metrics(run, lambda c: c["volumes"]["whole"].update(volume_dice=result))
    header, *rows = run.test().volumes.read_text("utf-8").splitlines()
    lines = [f"{header},volume_dice", *(f"{row},0.5" for row in rows)]
    run.test().volumes.write_text("\n".join(lines), "utf-8")

    ((found,), left_out) = read_runs(tmp_path)
    assert left_out == []
    assert found.volumes["whole"].keys() == {score.name for score in VOLUME_SCORES}
    assert found.missing == {}


def test_a_test_of_a_version_without_volumes_is_reported(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_metrics(run, lambda content: (content.pop("volumes"), content.pop("format")))
    run.test().volumes.unlink()

    ((found,), left_out) = read_runs(tmp_path)
    assert left_out == []
    assert found.missing.keys() == {score.name for score in VOLUME_SCORES}


@pytest.mark.parametrize("record", ["environment", "network", "metrics"])
def test_a_record_of_a_later_version_is_refused(record: str, tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    path: Path = run.test().metrics if record == "metrics" else getattr(run, record)
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "format": 2}), "utf-8")

    (reason,) = reasons(tmp_path).values()
    assert reason == (
        f"cannot be read: {record}.json: its format is 2, expected 1 at most: it was written by a "
        "later version of the program"
    )


def test_scores_that_are_not_those_of_the_slices_are_left_out(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    content = json.loads(run.test().metrics.read_text("utf-8"))
    content["scores"]["whole"]["iou"]["value"] = 0.75
    run.test().metrics.write_text(json.dumps(content), "utf-8")

    (reason,) = reasons(tmp_path).values()
    assert reason.startswith("cannot be read: metrics.json: iou is 0.75, but 0.39")


def edit_rows(path: Path, edit: Callable[[list[list[str]]], object]) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    table = [header, *rows]
    edit(table)
    write_csv(path, table[0], table[1:])


def test_volume_scores_that_are_not_those_of_the_cases_are_left_out(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_metrics(
        run, lambda content: content["volumes"]["whole"]["volume_error"].update(value=0.75)
    )

    (reason,) = reasons(tmp_path).values()
    assert reason.startswith("cannot be read: metrics.json: volume_error is 0.75, but ")
    assert reason.endswith(" from volumes.csv")


def test_a_share_that_is_not_that_of_the_slices_is_left_out(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_metrics(run, lambda content: content["accuracy_of_nothing"].update(whole=0.5))

    (reason,) = reasons(tmp_path).values()
    assert reason.startswith("cannot be read: metrics.json: accuracy_of_nothing is 0.5, but 0.9")


def test_volumes_that_lack_a_case_are_left_out(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_rows(run.test().volumes, lambda rows: rows.pop())

    assert list(reasons(tmp_path).values()) == [
        "cannot be read: volumes.csv: its cases are not those of slices.csv"
    ]


def test_a_missing_volumes_file_is_the_reason_for_missing_scores(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    run.test().volumes.unlink()

    ((found,), left_out) = read_runs(tmp_path)
    assert left_out == []
    (reason,) = set(found.missing.values())
    assert reason == (
        f"UNet_t2f/{run.path.name} has no volumes.csv any more; "
        f"python main.py test --run {run.path} computes it"
    )


def test_a_missing_column_is_the_reason_for_a_missing_score(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_rows(run.test().volumes, lambda rows: [row.pop() for row in rows])

    ((found,), left_out) = read_runs(tmp_path)
    assert left_out == []
    assert "volume_error" not in found.volumes["whole"]
    assert found.missing["volume_error"].startswith(
        f"the volumes.csv of UNet_t2f/{run.path.name} lacks it; "
    )


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        (("data", "modalities"), ["t1c/../../.."], "expected names such as t1c"),
        (("data", "modalities"), ["x" * 200], "expected names such as t1c"),
        (("data", "modalities"), "t1c", "expected a list of names"),
        (("model", "network", "class_path"), "models.$x$", "expected a class such as models.UNet"),
        (("seed_everything",), float("inf"), "seed_everything is inf, expected a whole number"),
    ],
)
def test_a_config_that_makes_no_sense_in_a_report_is_refused(
    option: tuple[str, ...], value: object, words: str, tmp_path: Path
) -> None:
    run = ToyRun(CASES).write(tmp_path)
    content = yaml.safe_load(run.config.read_text("utf-8"))
    *sections, last = option
    inner = content
    for section in sections:
        inner = inner[section]
    inner[last] = value
    run.config.write_text(yaml.safe_dump(content), "utf-8")

    (reason,) = reasons(tmp_path).values()
    assert reason.startswith("cannot be read: config.yaml: ")
    assert words in reason


def test_a_class_whose_name_is_a_path_is_refused(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    edit_metrics(run, lambda content: content["scores"].update({"../x": {}}))

    (reason,) = reasons(tmp_path).values()
    assert reason.startswith("cannot be read: metrics.json: scores are of '../x'")


def test_a_yaml_bomb_for_a_config_is_left_out(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    run.config.write_text(yaml_bomb(), "utf-8")

    (reason,) = reasons(tmp_path).values()
    assert "config.yaml: has more than 100000 values" in reason


@pytest.mark.parametrize("content", ["[]", "3", "{"])
def test_why_a_status_is_unknown_is_said(content: str, tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    run.status.write_text(content, "utf-8")

    (reason,) = reasons(tmp_path).values()
    assert reason.startswith("not finished: its status is unknown (status.json: ")


def test_times_are_read_where_they_are(tmp_path: Path) -> None:
    ToyRun(CASES, training=61.5, inference=2.25).write(tmp_path)

    ((run,), _) = read_runs(tmp_path)
    assert (run.training_time, run.inference_time) == (
        TimingRecord(61.5, "gpu"),
        TimingRecord(2.25, "gpu"),
    )


@pytest.mark.parametrize(
    ("acceleration", "words"),
    [
        ({"channels_last": False, "fold_batch_norm": False}, "32-true"),
        ({"channels_last": True, "fold_batch_norm": False}, "32-true, channels_last"),
        (
            {"channels_last": True, "fold_batch_norm": True},
            "32-true, channels_last, fold_batch_norm",
        ),
    ],
)
def test_how_a_test_was_computed_is_read(
    acceleration: dict[str, bool], words: str, tmp_path: Path
) -> None:
    computed_with = {"precision": "32-true", "acceleration": acceleration}
    ToyRun(CASES, computed_with=computed_with).write(tmp_path)

    ((run,), _) = read_runs(tmp_path)
    assert run.test.computed_with == words


def test_a_test_of_an_earlier_version_does_not_say_how_it_was_computed(tmp_path: Path) -> None:
    ToyRun(CASES).write(tmp_path)

    ((run,), _) = read_runs(tmp_path)
    assert run.test.computed_with == ""


def test_masks_come_back_as_they_were(tmp_path: Path) -> None:
    ToyRun(CASES).write(tmp_path)
    ((run,), _) = read_runs(tmp_path)

    masks = read_example_slices(run.run.test())
    assert masks.cases == list(CASES)
    assert masks.reference.shape == masks.prediction.shape == (3, 1, 16, 16)
    assert masks.reference.sum(axis=(1, 2, 3)).tolist() == [10, 0, 8]
    assert masks.prediction.sum(axis=(1, 2, 3)).tolist() == [20, 0, 8]
    assert (masks.reference & masks.prediction).sum(axis=(1, 2, 3)).tolist() == [5, 0, 8]


MASKS: dict[str, Any] = {
    "truth": np.zeros((3, 1, 16, 2), np.uint8),
    "prediction": np.zeros((3, 1, 16, 2), np.uint8),
    "slice": np.full(3, 7),
    "case": np.array(list(CASES)),
    "width": np.array(16),
}


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("truth", np.zeros((3, 16, 2), np.uint8)),
        ("truth", np.zeros((3, 1, 16, 2), np.bool_)),
        ("prediction", np.zeros((3, 2, 16, 2), np.uint8)),
        ("slice", np.full(2, 7)),
        ("slice", np.full(3, 7.5)),
        ("case", np.array("A-000")),
        ("case", np.array([1, 2, 3])),
        ("case", np.array([*CASES][::-1])),
        ("width", np.array(10**12)),
        ("width", np.array(-1)),
    ],
)
def test_masks_of_another_shape_or_type_are_an_error_in_words(
    name: str, array: NDArray[Any], tmp_path: Path
) -> None:
    test = ToyRun(CASES).write(tmp_path).test()
    np.savez(test.masks, **MASKS)
    assert read_example_slices(test).cases == list(CASES)
    np.savez(test.masks, **(MASKS | {name: array}))
    with pytest.raises(ValueError, match="masks cannot be read: "):
        read_example_slices(test)


@pytest.mark.parametrize("damage", ["missing", "cut", "words", "pickle"])
def test_damaged_masks_are_an_error_in_words(damage: str, tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    ((tested,), _) = read_runs(tmp_path)
    masks = run.test().masks
    match damage:
        case "missing":
            masks.unlink()
        case "cut":
            masks.write_bytes(masks.read_bytes()[:300])
        case "words":
            masks.write_text("no archive")
        case "pickle":
            np.savez(masks, case=np.array([object()]), allow_pickle=True)
    with pytest.raises(ValueError, match="masks cannot be read: "):
        read_example_slices(tested.run.test())


def test_a_report_imports_neither_torch_nor_lightning(tmp_path: Path) -> None:
    ToyRun(CASES).write(tmp_path / "runs")
    script = (
        "import sys; from lightning_app.cli import main; code = main(['report', sys.argv[1]]);"
        "print(code, sorted({'torch', 'lightning', 'torchmetrics'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "runs")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0 []"


def test_reading_runs_draws_nothing_and_tests_nothing_yet() -> None:
    script = (
        "import sys; import lightning_app.report.write;"
        "print(sorted({'scipy', 'matplotlib', 'jinja2', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
