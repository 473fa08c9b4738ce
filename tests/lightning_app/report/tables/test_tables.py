"""The tables' figures, worked out by hand."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lightning_app.metrics.score import CountScore
from lightning_app.report.load.cohorts import Cohort, cohorts, differing_settings
from lightning_app.report.load.paper_grid import missing_experiments
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.caveats import page_warnings
from lightning_app.report.tables.comparison_table import comparison_tables
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.run_tables import network_table, run_table, table_2
from lightning_app.report.tables.score_tables import (
    all_scores,
    size_table,
    table_1,
)
from lightning_app.report.tables.table import Cell, Table, duration, p_value
from lightning_app.report.tables.volume_table import volume_table
from tests.helpers.runs.toy_runs import (
    ASPP,
    ASPP_V2,
    ATTENTION,
    SPP,
    UNET,
    ToyRun,
    rate,
    twelve_cases,
)

FLOAT32 = {"precision": "32-true", "acceleration": {"fold_batch_norm": False}}
FOLDED = {"precision": "32-true", "acceleration": {"fold_batch_norm": True}}
BF16 = {"precision": "bf16-mixed", "acceleration": {"fold_batch_norm": False}}
CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}  # 13 of 18 true and 28 predicted pixels
WITH_EMPTY = {**CASES, "C-000": (0, 0, 0), "D-000": (0, 0, 0)}


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for run in runs:
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def row(table: Table, *beginning: str) -> dict[str, Cell]:
    """The cells of the row that begins so, by column."""
    (found,) = (r for r in table.rows if tuple(r[: len(beginning)]) == beginning)
    return {column.key: cell for column, cell in zip(table.columns, found, strict=True)}


def value(cell: Cell) -> float:
    assert isinstance(cell, Measure)
    assert cell.value is not None
    return cell.value


def test_table_1_by_hand(tmp_path: Path) -> None:
    table = table_1(cohort(tmp_path, ToyRun(CASES, network=ATTENTION)))

    found = row(table, "FLAIR", "whole", "Attention UNet")
    assert found["seeds"] == 1
    assert value(found["dsc"]) == pytest.approx(100 * 2 * 13 / (18 + 28))
    assert value(found["miou"]) == pytest.approx(100 * (5 / 25 + 1) / 2)
    assert value(found["accuracy"]) == pytest.approx(100 * (512 - 20) / 512)
    paper = (found["dsc_paper"], found["miou_paper"], found["accuracy_paper"])
    assert paper == (78.30, 44.31, 99.15)
    missing = row(table, "FLAIR", "whole", "Attention UNet + ASPP")
    assert (missing["seeds"], missing["dsc"], missing["dsc_paper"]) == (0, None, 79.75)
    nothing = row(table, "FLAIR", "whole", "(predicting nothing)")
    assert nothing["accuracy"] == pytest.approx(100 * (512 - 18) / 512)
    assert any("at least 10 patients, not 2" in note for note in table.notes)


@pytest.mark.parametrize(("cases", "slices"), [(CASES, 2), (WITH_EMPTY, 4)])
def test_table_1_has_both_readings_of_the_papers_miou(
    cases: dict[str, tuple[int, int, int]], slices: int, tmp_path: Path
) -> None:
    table = table_1(cohort(tmp_path, ToyRun(cases, network=ATTENTION)))

    found = row(table, "FLAIR", "whole", "Attention UNet")
    assert value(found["miou"]) == pytest.approx(100 * (5 / 25 + 1) / 2)
    assert value(found["miou_empty0"]) == pytest.approx(100 * (5 / 25 + 1) / slices)
    keys = [column.key for column in table.columns]
    assert keys[keys.index("miou") :][:3] == ["miou", "miou_paper", "miou_empty0"]
    assert any("empty in both as 0 (miou_empty0)" in note for note in table.notes)


def test_a_network_that_the_paper_lacks_comes_after_its_four(tmp_path: Path) -> None:
    found = cohort(tmp_path, ToyRun(CASES, network=ASPP_V2))

    names = [r[2] for r in table_1(found).rows]
    assert names[3:] == [
        "Attention UNet + ASPP",
        "Attention UNet + ASPP v2",
        "(predicting nothing)",
    ]
    cells = row(table_1(found), "FLAIR", "whole", "Attention UNet + ASPP v2")
    assert (cells["seeds"], cells["dsc_paper"], cells["miou_paper"]) == (1, None, None)
    missing = missing_experiments([found])
    assert len(missing) == 12
    assert not any("v2" in name for name in missing)


def test_a_score_has_its_unit_in_the_heading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = CountScore(
        name="missed", definition="mean of missed pixels", level="slice",
        terms=lambda c: (c.fn, np.ones_like(c.fn)), higher_is_better=False, unit="pixels",
        bounds=(0, math.inf),
    )  # fmt: skip
    for module in ("load.scores", "tables.score_tables"):
        monkeypatch.setattr(f"lightning_app.report.{module}.SCORES", (missed,))
    monkeypatch.setattr("lightning_app.metrics.evaluate.SCORES", (missed,))
    table = all_scores(cohort(tmp_path, ToyRun(CASES)))

    assert [(c.key, c.title) for c in table.columns][-1] == ("missed", "missed (pixels)")
    assert value(row(table, "FLAIR")["missed"]) == (5 + 0) / 2


def test_several_seeds_are_a_mean_a_deviation_and_one_interval(tmp_path: Path) -> None:
    first, second = ([30 - i for i in range(12)], [20 - i for i in range(12)])
    group = cohort(
        tmp_path,
        ToyRun(twelve_cases(first)),
        ToyRun(twelve_cases(second), seed=1, name="20260101-000000-bbbbbb"),
    )
    table = table_1(group)

    dsc = row(table, "FLAIR", "whole", "UNet")["dsc"]
    scores = 100 * np.array([first, second]) / 40
    assert isinstance(dsc, Measure)
    assert dsc.value == pytest.approx(scores.mean())
    assert dsc.std == pytest.approx(np.std(scores.mean(axis=1), ddof=1))
    # All cases have 80 pixels in both masks, so the pooled score is a mean over patients. The worst
    # patient, or the best one, is counted twice.
    expected = []
    for sign, extreme in ((-1, min), (1, max)):
        patients = scores.mean(axis=0) / 100
        patients = np.append(patients, extreme(patients))
        mean, error = patients.mean(), patients.std(ddof=1) / math.sqrt(13)
        width = stats.t.ppf(0.975, 11) * error / (mean * (1 - mean))
        expected.append(100 / (1 + math.exp(-math.log(mean / (1 - mean)) - sign * width)))
    assert dsc.interval == pytest.approx(expected)


def test_a_single_seed_is_about_its_weights(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(CASES))
    assert any("weights, not about the architecture" in note for note in table_1(group).notes)
    assert any(
        "weights, not about the architecture" in warning for warning in page_warnings([group])
    )


SINGLE, FEW, SEVERAL, DIFFERENT = (
    "With a single seed the results",
    "With fewer than 3 seeds the results",
    "A score is the mean over the seeds; its interval is about other patients.",
    "The networks were not all trained with the same seeds.",
)


@pytest.mark.parametrize(
    ("unet", "aspp", "said"),
    [
        ([0], [0], [SINGLE]),
        ([0], [1], [SINGLE, DIFFERENT]),
        ([0, 1], [0, 1], [FEW, SEVERAL]),
        ([0, 1, 2], [0, 1, 2], [SEVERAL]),
        ([0, 1], [0], [SINGLE, SEVERAL, DIFFERENT]),
        ([0, 1], [0, 2], [FEW, SEVERAL, DIFFERENT]),
    ],
)
def test_what_the_seeds_allow_to_conclude_is_said(
    unet: list[int], aspp: list[int], said: list[str], tmp_path: Path
) -> None:
    group = cohort(
        tmp_path,
        *(
            ToyRun(CASES, network=network, seed=seed, name=f"20260101-000000-{seed:06}")
            for network, seeds in ((UNET, unet), (ASPP, aspp))
            for seed in seeds
        ),
    )
    notes = " ".join(table_1(group).notes)

    assert [words for words in (SINGLE, FEW, SEVERAL, DIFFERENT) if words in notes] == said


@pytest.mark.parametrize(
    ("patients", "seeds", "said"),
    [
        (9, 1, None),
        (10, 1, "Cells hold: value [95 % interval over patients]."),
        (9, 2, "Cells hold: mean ± standard deviation over seeds."),
        (10, 2, "Cells hold: mean ± standard deviation over seeds [95 % interval over patients]."),
    ],
)
def test_a_note_says_what_cells_hold(
    patients: int, seeds: int, said: str | None, tmp_path: Path
) -> None:
    cases = dict(list(twelve_cases(range(20, 32)).items())[:patients])
    group = cohort(
        tmp_path,
        *(ToyRun(cases, seed=seed, name=f"20260101-000000-{seed:06}") for seed in range(seeds)),
    )
    for table in (table_1(group), all_scores(group), volume_table(group)):
        assert next((note for note in table.notes if "Cells hold" in note), None) == said
    text = " ".join(" ".join(cells) for cells in all_scores(group).texts())
    assert ("±" in text, "[" in text) == (seeds > 1, patients >= 10)


def test_table_2_gives_what_was_measured_and_says_what_was_not(tmp_path: Path) -> None:
    timed = ToyRun(CASES, training=100.0, inference=2.0)
    again = ToyRun(CASES, seed=1, name="20260101-000000-bbbbbb", training=110.0, inference=4.0)
    table = table_2(cohort(tmp_path, timed, again, ToyRun(CASES, network=ASPP)))

    unet = row(table, "FLAIR", "UNet")
    assert (value(unet["training_s"]), value(unet["inference_s"])) == (105, 3)
    assert unet["training_paper_s"] == 141 * 60 + 27.5
    assert (unet["test_images"], unet["device"]) == (2, "gpu")
    aspp = row(table, "FLAIR", "Attention UNet + ASPP")
    assert aspp["training_s"] == Measure(None)
    assert "No training time was measured in 1 of 3 runs." in table.notes
    text = dict(zip([c.key for c in table.columns], table.texts()[0], strict=True))
    assert text["training_s"] == "1 min 45.0 s ± 7.1 s"
    assert text["training_paper_s"] == "141 min 27.5 s"


def test_every_score_is_in_the_table_and_an_undefined_score_is_a_dash(tmp_path: Path) -> None:
    table = all_scores(cohort(tmp_path, ToyRun(CASES)))

    found = row(table, "FLAIR", "whole", "UNet")
    assert value(found["recall"]) == pytest.approx(13 / 18)
    assert value(found["dice_case"]) == pytest.approx((10 / 30 + 1) / 2)
    index = [column.key for column in table.columns].index("empty_right")
    assert table.texts()[0][index] == "-"


# Pixels of the tumour, true and predicted, and those in both. By id they are not in order of size.
SIZES = {"P0": (40, 16), "P1": (10, 5), "P2": (70, 42), "P3": (0, 0),
         "P4": (30, 24), "P5": (60, 54), "P6": (20, 4), "P7": (50, 35)}  # fmt: skip


def test_dice_by_size(tmp_path: Path) -> None:
    cases = {f"{name}-000": (size, size, both) for name, (size, both) in SIZES.items()}
    table = size_table(cohort(tmp_path, ToyRun(cases)))

    found = row(table, "FLAIR", "whole", "UNet")
    assert found["cases"] == 7  # P3 has no tumour
    assert found["thirds"] == "10 to 30; 40 to 50; 60 to 70"
    assert found["dice_small"] == pytest.approx((5 / 10 + 4 / 20 + 24 / 30) / 3)
    assert found["dice_medium"] == pytest.approx((16 / 40 + 35 / 50) / 2)
    assert found["dice_large"] == pytest.approx((54 / 60 + 42 / 70) / 2)
    # Ranks of Dice from the smallest to the largest tumour are 3, 1, 6, 2, 5, 7 and 4.
    squares = 2**2 + 1**2 + 3**2 + 2**2 + 0 + 1**2 + 3**2
    assert found["spearman"] == pytest.approx(1 - 6 * squares / (7 * (7**2 - 1)))


def test_sizes_that_cannot_be_compared_are_left_empty(tmp_path: Path) -> None:
    two = row(size_table(cohort(tmp_path / "two", ToyRun(CASES))), "FLAIR")
    assert two["cases"] == 2
    assert {two[key] for key in ("thirds", "dice_small", "dice_large", "spearman")} == {None}
    equal = row(
        size_table(cohort(tmp_path / "equal", ToyRun(twelve_cases(range(20, 32))))), "FLAIR"
    )
    assert (equal["thirds"], equal["spearman"]) == ("40; 40; 40", None)


def test_networks_and_runs_are_listed_once(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(CASES), ToyRun(CASES, modality="t1c"))
    assert list(network_table(group).rows) == [("UNet", 1000, 2000, "16 x 16")]
    assert "by the layers' definitions" in " ".join(network_table(group).notes)
    assert [cells[0] for cells in run_table(group).rows] == [
        "UNet_t1c/20260101-000000-aaaaaa",
        "UNet_t2f/20260101-000000-aaaaaa",
    ]


def test_warnings_name_what_is_missing_or_differs(tmp_path: Path) -> None:
    longer = {"trainer": {"max_epochs": 9}}
    ToyRun(CASES).write(tmp_path)
    ToyRun(CASES, network=ASPP, settings=longer).write(tmp_path)
    ToyRun(CASES, modality="t1c", data={"split": "other"}).write(tmp_path)
    runs, _ = read_runs(tmp_path)

    said = " ".join(page_warnings(cohorts(runs)))
    assert "have 2 different data sets, splits, targets" in said
    assert "experiments" not in said
    assert "max_epochs" not in said  # it is in the column settings
    assert differing_settings(runs) == {"trainer.max_epochs": ["3", "9"]}


@pytest.mark.parametrize(
    ("rates", "rows", "beside"),
    [((0.001, 0.01), 2, ("", "lr 0.001")), ((0.005, 0.01), 3, (" (paper)", ""))],
)  # the recipe's is 0.001
def test_the_papers_figures_are_beside_one_row_or_in_their_own(
    rates: tuple[float, ...], rows: int, beside: tuple[str, str], tmp_path: Path
) -> None:
    runs = [
        ToyRun(CASES, network=ASPP, settings=rate(lr), name=f"20260101-000000-{number:06}")
        for number, lr in enumerate(rates)
    ]
    group, name = cohort(tmp_path, *runs), "Attention UNet + ASPP"
    for table, of_paper in ((table_2(group), "training_paper_s"), (table_1(group), "dsc_paper")):
        keys = [column.key for column in table.columns]
        found = [dict(zip(keys, cells, strict=True)) for cells in table.rows]
        aspp = [cells for cells in found if str(cells["network"]).startswith(name)]
        assert len(aspp) == rows
        shown = [(cells["network"], cells["settings"]) for cells in aspp if cells[of_paper]]
        assert shown == [(name + beside[0], beside[1])]


def test_gaps_in_the_papers_grid_are_listed_if_most_of_it_is_there(tmp_path: Path) -> None:
    grid = [
        ToyRun(CASES, network=network, modality=modality)
        for modality in ("t1c", "t2f", "t2w")
        for network in (UNET, ATTENTION, SPP, ASPP)
    ]
    half, most, full = (
        page_warnings([cohort(tmp_path / str(size), *grid[:size])]) for size in (6, 7, 12)
    )
    gaps = (
        "No finished and tested run of 5 of the paper's 12 experiments: Attention UNet + ASPP on "
        "FLAIR, UNet on T2w, Attention UNet on T2w, Attention UNet + SPP on T2w, "
        "Attention UNet + ASPP on T2w."
    )
    assert most == [gaps, *half]
    assert half == full


NOW = {"slices_format": 7}
EARLIER_BRAIN = "An earlier version prepared the slices of UNet_t2f/20260101-000000-aaaaaa"
EARLIER_TEST = "tested UNet_t2f/20260101-000000-aaaaaa on the slices with brain only"


@pytest.mark.parametrize(
    ("earlier", "now", "said"),
    [
        ({}, {}, None),
        ({"fingerprint": "other"}, {}, EARLIER_BRAIN),
        ({"fingerprint": "other", "split": "other"}, {}, None),
        ({"eval_slices": "all"}, {"eval_slices": "all"}, EARLIER_TEST),
    ],
)
def test_what_an_earlier_version_did_in_another_way_is_said_if_it_shows(
    earlier: dict[str, Any], now: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    ToyRun(CASES, data=earlier).write(tmp_path)
    ToyRun(CASES, network=ASPP, data={**now, **NOW}).write(tmp_path)

    warnings = page_warnings(cohorts(read_runs(tmp_path)[0]))
    found = [warning for warning in warnings if "earlier version" in warning]
    assert len(found) == (0 if said is None else 1)
    assert said is None or said in found[0]


def test_slices_of_another_modality_are_no_later_preparation(tmp_path: Path) -> None:
    ToyRun(CASES, data={"fingerprint": "other"}).write(tmp_path)
    ToyRun(CASES, modality="t1c", data=NOW).write(tmp_path)
    assert EARLIER_BRAIN not in " ".join(page_warnings(cohorts(read_runs(tmp_path)[0])))


def test_scores_have_four_digits(tmp_path: Path) -> None:
    table = all_scores(cohort(tmp_path, ToyRun(CASES)))
    shown = [table.text(index, cell) for index, cell in enumerate(table.rows[0])][4:]
    assert shown
    assert all(re.fullmatch(r"-|\d\.\d{4}", cell) for cell in shown)


def test_a_training_that_was_resumed_after_its_test_is_reported(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    assert "scores are out of date" not in " ".join(page_warnings(cohorts(read_runs(tmp_path)[0])))
    for epoch, dice, said in ((3, 0.4, False), (4, 0.6, True)):
        with run.metrics.open("a") as file:
            file.write(f"{epoch},{dice}\r\n")
        words = " ".join(page_warnings(cohorts(read_runs(tmp_path)[0])))
        assert (f"main.py test --run {run.path} updates them" in words) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"acceleration": {"fold_batch_norm": True}}, []),  # of test and predict
        ({"data": {"on_device": True, "split_seed": 4}}, []),
        ({"data": {"split_file": "split.csv", "phantom": {"cases": 9}}}, []),
        ({"trainer": {"enable_progress_bar": True, "accelerator": "gpu"}}, []),
        ({"wandb_media": {"slices": 1}, "timing": {"warmup_batches": 1}}, []),
        ({"trainer": {"precision": "64-true"}}, ["trainer.precision"]),
        ({"acceleration": {"channels_last": True}}, ["acceleration.channels_last"]),
        ({"data": {"slices": "all"}}, ["data.slices"]),
    ],
)
def test_only_settings_that_change_the_weights_are_reported_as_different(
    options: dict[str, dict[str, Any]], said: list[str], tmp_path: Path
) -> None:
    none_of_it = {group: dict.fromkeys(values) for group, values in options.items()}
    for seed, settings in enumerate((options, none_of_it)):
        data = {"modalities": ["t2f"], **settings.get("data", {})}
        name = f"20260101-000000-{seed:06}"
        ToyRun(CASES, seed=seed, name=name, settings=settings | {"data": data}).write(tmp_path)

    runs, _ = read_runs(tmp_path)
    assert len(runs) == 2
    assert list(differing_settings(runs)) == said


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (FLOAT32, FLOAT32, ""),
        (FLOAT32, FOLDED, "acceleration: 32-true; 32-true, fold_batch_norm (column"),
        (FLOAT32, BF16, "acceleration: 32-true; bf16-mixed (column"),
        (FLOAT32, None, "acceleration: 32-true; unknown (an earlier version) (column"),
        (None, None, ""),
    ],
)
def test_every_table_warns_of_tests_that_were_computed_differently(
    one: dict[str, Any] | None, other: dict[str, Any] | None, said: str, tmp_path: Path
) -> None:
    group = cohort(
        tmp_path, ToyRun(CASES, computed_with=one), ToyRun(CASES, network=ASPP, computed_with=other)
    )

    made = (table_1, table_2, all_scores, volume_table, size_table)
    tables = [*(make(group) for make in made), *comparison_tables(group)]
    for notes in (page_warnings([group]), *(table.notes for table in tables)):
        assert sum("tested with the same precision" in note for note in notes) == bool(said)
        assert any(said in note for note in notes)


def test_training_times_with_different_precision_are_not_to_be_compared(tmp_path: Path) -> None:
    faster = {"trainer": {"max_epochs": 3, "precision": "bf16-mixed"}}
    plain = {"trainer": {"max_epochs": 3, "precision": "32-true"}}
    group = cohort(
        tmp_path, ToyRun(CASES, settings=plain), ToyRun(CASES, network=ASPP, settings=faster)
    )

    assert "trained with the same trainer.precision: do not" in " ".join(table_2(group).notes)


@pytest.mark.parametrize(
    ("seconds", "words"), [(13, "13.0 s"), (59.97, "1 min 0.0 s"), (8487.5, "141 min 27.5 s")]
)
def test_durations_are_written_as_in_the_paper(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_small_p_values_are_bounds() -> None:
    assert [p_value(p) for p in (0.00004, 0.0123456, 1.0)] == ["< 0.0001", "0.0123", "1.0000"]
