"""Which runs are compared, and which of them are one row."""

from pathlib import Path
from typing import Any

import pytest

from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.paper_grid import paper_rows
from lightning_app.report.load.runs import read_runs
from tests.helpers.runs.toy_runs import ASPP, ATTENTION, UNET, ToyRun, rate, twelve_cases

CASES = twelve_cases(range(20, 32))
FAST, SLOW = rate(0.001), rate(0.0005)


def groups(root: Path, *runs: ToyRun) -> list[Cohort]:
    """The groups of some runs, of which each is newer than the one before."""
    for number, run in enumerate(runs):
        run.name = f"20260101-0000{number:02}-aaaaaa"
        run.write(root)
    return cohorts(read_runs(root)[0])


def rows(cohort: Cohort) -> list[tuple[str, str, list[int]]]:
    return [(entry.modality, entry.name, entry.seeds) for entry in cohort.entries]


def test_settings_of_a_network_are_rows_and_their_seeds_are_not(tmp_path: Path) -> None:
    runs = [ToyRun(CASES, settings=s, seed=seed) for seed in (1, 0) for s in (FAST, SLOW)]
    (group,) = groups(tmp_path, *runs, ToyRun(CASES, network=ASPP, settings=FAST))

    assert rows(group) == [
        ("t2f", "UNet, lr 0.0005", [0, 1]),
        ("t2f", "UNet, lr 0.001", [0, 1]),
        ("t2f", "Attention UNet + ASPP", [0]),
    ]
    assert [entry.settings for entry in group.entries] == ["lr 0.0005", "lr 0.001", "lr 0.001"]
    assert group.repeated == ()
    assert [entry.in_words for entry in group.entries[:1]] == ["UNet with lr 0.0005"]


def test_a_plain_grid_has_no_settings(tmp_path: Path) -> None:
    options = {
        UNET: {}, ATTENTION: {}, ASPP: {"rates": [6, 12], "blocks": 3}, "mine.Net": {"rates": [1]}
    }  # fmt: skip
    runs = [
        ToyRun(CASES, network=network, modality=modality, seed=seed,
               settings={"model": {"network": {"class_path": network, "init_args": arguments}},
                         "trainer": {"devices": seed + 1, "logger": bool(seed)}})
        for network, arguments in options.items() for modality in ("t1c", "t2f") for seed in (0, 1)
    ]  # fmt: skip
    (group,) = groups(tmp_path, *runs)

    assert not group.has_settings
    assert len(group.entries) == 8
    assert {entry.name for entry in group.entries} == {
        "UNet", "Attention UNet", "Attention UNet + ASPP", "Net"
    }  # fmt: skip


def test_a_repeated_run_is_listed_and_the_newest_is_used(tmp_path: Path) -> None:
    (group,) = groups(
        tmp_path,
        ToyRun(CASES, settings=FAST),
        ToyRun(CASES, settings=SLOW),
        ToyRun(CASES, settings=FAST | {"wandb_media": {"slices": 9}}),
    )

    assert [run.run.path.name[13:15] for run in group.runs] == ["01", "02"]
    ((left),) = group.repeated
    assert left.name == "UNet_t2f/20260101-000000-aaaaaa"
    assert left.reason == (
        "UNet_t2f/20260101-000002-aaaaaa is newer, with the same network, modality, options and "
        "seed"
    )


@pytest.mark.parametrize(
    "other", [{"split": "split-b"}, {"fingerprint": "other"}, {"kind": "files"}]
)
def test_a_run_on_other_data_is_not_replaced_by_a_newer_one(
    other: dict[str, Any], tmp_path: Path
) -> None:
    found = groups(tmp_path, ToyRun(CASES, data=other), ToyRun(CASES))
    assert [len(group.runs) for group in found] == [1, 1]
    assert [group.repeated for group in found] == [(), ()]


def sliced(choice: Any, **data: str) -> ToyRun:
    settings = {"data": {"modalities": ["t2f"], "slices": choice, "eval_slices": "middle"}}
    return ToyRun(CASES, data={"slices": choice, **data}, settings=settings)


def test_runs_on_other_training_slices_are_rows_if_they_were_tested_on_the_same(
    tmp_path: Path,
) -> None:
    few = sliced("middle", fingerprint="a", eval_fingerprint="tested")
    many = sliced([6, 7, 8], fingerprint="b", eval_fingerprint="tested")
    (group,) = groups(tmp_path, few, many)
    assert {name for _, name, _ in rows(group)} == {
        "UNet, slices middle", "UNet, slices [6, 7, 8]"
    }  # fmt: skip


def test_a_run_of_an_earlier_version_joins_those_with_its_fingerprint(tmp_path: Path) -> None:
    earlier = sliced("middle", fingerprint="a")
    earlier.seed = 1
    now = sliced("middle", fingerprint="a", eval_fingerprint="tested")
    many = sliced([6, 7, 8], fingerprint="b", eval_fingerprint="tested")
    (group,) = groups(tmp_path, earlier, now, many)
    assert ("t2f", "UNet, slices middle", [0, 1]) in rows(group)


def test_other_tested_images_are_another_group(tmp_path: Path) -> None:
    one = sliced("middle", fingerprint="a", eval_fingerprint="tested")
    other = sliced("middle", fingerprint="b", eval_fingerprint="other")
    assert len(groups(tmp_path, one, other)) == 2


def test_the_most_common_data_of_each_modality_are_together(tmp_path: Path) -> None:
    """However often a run was repeated on earlier data."""
    repeated = [ToyRun(CASES, modality="t1c", data={"fingerprint": "old"}) for _ in range(3)]
    now = [ToyRun(CASES, network=network, modality=modality)
           for network in (UNET, ASPP) for modality in ("t1c", "t2f")]  # fmt: skip
    largest, other = groups(tmp_path, *repeated, *now)
    assert len(largest.runs) == 4
    assert len(other.runs) == 1
    assert len(other.repeated) == 2


def recipe(**changed: Any) -> dict[str, Any]:
    """Settings of an Attention UNet that are those of the paper's recipe, but for some."""
    arguments = {"widths": changed.get("widths", [64, 128, 256, 512, 1024])}
    return {
        "model": {"network": {"class_path": ATTENTION, "init_args": arguments}},
        **rate(changed.get("lr", 0.001)),
        "data": {"modalities": ["t2f"], "flip": changed.get("flip", False)},
    }


@pytest.mark.parametrize(
    ("changes", "with_figures"),
    [
        ([{}], [True]),
        ([{"lr": 0.1}], [True]),  # alone, it is the nearest
        ([{}, {"lr": 0.0001}], [False, True]),
        ([{}, {"flip": True}], [True, False]),
        ([{}, {"widths": [8, 16]}], [True, False]),
        ([{"lr": 0.0001}, {"lr": 0.01}], [False, False, True]),  # in a row of their own
        ([{"lr": 0.0001, "flip": True}, {"lr": 0.01}], [False, True]),
    ],
)
def test_the_papers_figures_are_beside_the_settings_of_its_recipe(
    changes: list[dict[str, Any]], with_figures: list[bool], tmp_path: Path
) -> None:
    runs = [ToyRun(CASES, network=ATTENTION, settings=recipe(**changed)) for changed in changes]
    (group,) = groups(tmp_path, *runs)

    found = [row for row in paper_rows(group) if row.network == ATTENTION]
    assert [row.printed.dsc == 78.30 for row in found] == with_figures
    assert [row.printed.dsc is None for row in found] == [not shown for shown in with_figures]
