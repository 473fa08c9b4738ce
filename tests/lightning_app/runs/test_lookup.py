import os
from pathlib import Path

import pytest

from lightning_app.runs.folder import Run, find_runs, new_run
from lightning_app.runs.lookup import trained_run
from lightning_app.utils.errors import UsageError


def trained(root: Path, experiment: str, name: str) -> Run:
    run = Run(root / experiment / name)
    run.checkpoints.mkdir(parents=True)
    run.best.touch()
    run.config.touch()
    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    trained(tmp_path, "aspp_t1c", "20260101-120000-aaaaaa")
    trained(tmp_path, "unet_t1c", "20260301-120000-bbbbbb")
    trained(tmp_path, "aspp_t1c", "20260201-120000-cccccc")
    (tmp_path / "unet_t1c" / "20260401-120000-dddddd").mkdir()  # failed before its first epoch
    (tmp_path / "unet_t1c" / "notes").mkdir()
    return tmp_path


def test_runs_are_found_newest_first_and_other_folders_are_not_runs(runs: Path) -> None:
    assert [run.path.name[-6:] for run in find_runs(runs)] == [
        "dddddd", "bbbbbb", "cccccc", "aaaaaa",
    ]  # fmt: skip
    assert find_runs(runs / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (None, "bbbbbb"),
        ("aspp_t1c", "cccccc"),
        ("aspp_t1c/", "cccccc"),
        ("20260101-120000-aaaaaa", "aaaaaa"),
        ("aspp_t1c/20260101-120000-aaaaaa", "aaaaaa"),
    ],
)
def test_a_run_is_found_by_its_name(name: str | None, found: str, runs: Path) -> None:
    assert trained_run(runs, name).path.name.endswith(found)


def test_a_run_is_found_by_its_folder(runs: Path) -> None:
    folder = runs / "aspp_t1c" / "20260101-120000-aaaaaa"
    assert trained_run(Path("elsewhere"), str(folder)).path == folder


def test_an_untrained_run_and_an_unknown_one_are_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nearest: aspp_t1c"):
        trained_run(runs, "aspp_t2c")
    with pytest.raises(UsageError, match="no trained run"):
        trained_run(runs, "20260401-120000-dddddd")
    untrained = tmp_path / "unet_t1c" / "20260401-120000-dddddd"
    Run(untrained).config.touch()
    with pytest.raises(UsageError, match="never trained"):
        trained_run(runs, str(untrained))


def test_new_runs_have_different_names_and_are_found(tmp_path: Path) -> None:
    made = [new_run(tmp_path, "unet_t1c") for _ in range(50)]
    for run in made:
        run.path.mkdir(parents=True)
    assert {run.path for run in find_runs(tmp_path)} == {run.path for run in made}


def test_of_two_runs_of_one_second_the_later_one_is_the_newer(tmp_path: Path) -> None:
    for time, name in enumerate(("ffffff", "000000", "888888")):
        run = trained(tmp_path, "unet_t1c", f"20260101-120000-{name}")
        os.utime(run.config, ns=(time, time))
    assert trained_run(tmp_path, None).path.name.endswith("888888")
