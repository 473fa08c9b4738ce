import os
import shutil
from pathlib import Path

import pytest

from lightning_app.listing.listed_run import list_runs
from lightning_app.report.load.named_runs import named_runs
from lightning_app.runs.folder import Run, find_runs, find_runs_below, new_run, start_of
from lightning_app.runs.lookup import requeued_run, run_to_resume, trained_run
from lightning_app.runs.status import locked, mark_running, write_status
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


@pytest.mark.parametrize("place", ["copy", "unet_t1c/copy", "20260601-120000-eeeeee"])
def test_every_command_finds_a_copied_run(place: str, runs: Path, tmp_path: Path) -> None:
    copy = Run(runs / place)
    shutil.copytree(runs / "aspp_t1c" / "20260101-120000-aaaaaa", copy.path)
    write_status(copy, "finished", started="2026-05-01T00:00:00+00:00")

    assert trained_run(runs, None) == trained_run(runs, copy.path.name) == copy
    assert list_runs(runs)[0].run == named_runs([runs])[0] == copy
    assert copy in find_runs_below(tmp_path)
    assert find_runs(copy.path) == find_runs_below(copy.path) == [copy]


def test_a_run_is_newer_than_its_copy(runs: Path) -> None:
    newest = trained_run(runs, None)
    write_status(newest, "finished", started="2026-03-01T12:00:09+00:00")  # after preparing
    shutil.copytree(newest.path, runs / "copy")

    assert trained_run(runs, None) == newest


@pytest.mark.parametrize("started", ["", "yesterday", "0001-01-01T00:00:00+14:00", 3, None])
def test_a_damaged_start_is_that_of_the_name(started: object, runs: Path) -> None:
    run = find_runs(runs)[0]
    write_status(run, "finished", started=started)

    assert start_of(run) == "20260401-120000"
    assert start_of(Run(run.path.rename(runs / "copy"))) == ""


def test_a_config_alone_makes_no_run(runs: Path) -> None:
    found = find_runs(runs)
    (runs / "unet_t1c" / "notes" / "config.yaml").touch()
    (runs / "config.yaml").touch()

    assert find_runs(runs) == found


def test_no_run_is_looked_for_behind_a_link_at_any_depth(runs: Path, tmp_path: Path) -> None:
    deep = tmp_path / "deep" / "deeper"
    deep.mkdir(parents=True)
    (deep / "link").symlink_to(runs / "aspp_t1c")

    assert find_runs_below(tmp_path / "deep") == []
    assert len(find_runs(deep)) == 2


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


def test_the_folder_of_an_experiment_stands_for_its_newest_trained_run(runs: Path) -> None:
    for experiment, newest in (("aspp_t1c", "cccccc"), ("unet_t1c", "bbbbbb")):
        found = trained_run(Path("elsewhere"), str(runs / experiment))
        assert found.path.name.endswith(newest)


def test_a_name_that_no_folder_can_have_is_an_unknown_run(runs: Path) -> None:
    with pytest.raises(UsageError, match="no trained run"):
        trained_run(runs, "x" * 5000)


def test_an_untrained_run_and_an_unknown_one_are_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nearest: aspp_t1c"):
        trained_run(runs, "aspp_t2c")
    with pytest.raises(UsageError, match=r"has no checkpoint at .* it was never trained"):
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


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """Runs of three experiments, and one that has finished, which is the newest."""
    for day, experiment in enumerate(("aspp_t1c", "spp_t1c", "unet_t1c"), start=1):
        trained(tmp_path, experiment, f"2026010{day}-120000-aaaaaa")
    write_status(trained(tmp_path, "unet_t1c", "20260201-120000-bbbbbb"), "finished")
    return tmp_path


@pytest.mark.parametrize(
    ("experiment", "found"),
    [(None, "unet_t1c"), ("aspp_t1c", "aspp_t1c"), ("spp_t1c", "spp_t1c")],
)
def test_the_newest_unfinished_run_is_resumed(
    experiment: str | None, found: str, unfinished: Path
) -> None:
    run = run_to_resume(unfinished, None, experiment)

    assert (run.experiment, run.path.name[-6:]) == (found, "aaaaaa")


def test_an_experiment_or_its_folder_stands_for_its_newest_run_to_resume(unfinished: Path) -> None:
    for name in ("unet_t1c", str(unfinished / "unet_t1c")):
        assert run_to_resume(unfinished, name, None).path.name.endswith("bbbbbb")


def test_a_run_that_is_being_trained_is_not_resumed(unfinished: Path) -> None:
    newest = run_to_resume(unfinished, None, None)
    with locked(newest):
        mark_running(newest)

        assert run_to_resume(unfinished, None, None).experiment == "spp_t1c"
        with pytest.raises(UsageError, match=f"is being trained by process {os.getpid()} on"):
            run_to_resume(unfinished, str(newest.path), None)
        with pytest.raises(UsageError, match="no unfinished run of experiment 'unet_t1c' below"):
            run_to_resume(unfinished, None, "unet_t1c")


def test_a_run_without_a_config_has_not_begun_and_cannot_be_resumed(unfinished: Path) -> None:
    run_to_resume(unfinished, None, None).config.unlink()

    assert run_to_resume(unfinished, None, None).experiment == "spp_t1c"


@pytest.mark.parametrize(
    ("restarts", "job", "found"),
    [("1", "7", True), ("2", "7", True), ("0", "7", False), ("", "7", False), ("1", "8", False)],
)
def test_a_requeued_job_finds_its_own_run(
    restarts: str, job: str, found: bool, unfinished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_to_resume(unfinished, None, "aspp_t1c")
    write_status(run, "interrupted", job="7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
    monkeypatch.setenv("SLURM_JOB_ID", job)
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)

    assert (requeued_run(unfinished) == run) is found
    write_status(run, "finished")
    assert requeued_run(unfinished) is None
