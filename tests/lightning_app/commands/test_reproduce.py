"""`reproduce` does only what is missing, and continues after a failure."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from lightning_app.cli import main
from lightning_app.commands import reproduce
from lightning_app.commands.grid.cells import WantedRun, cells
from lightning_app.config.lookup import BASE, CONFIGS
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.records import read_split
from lightning_app.runs.status import read_status
from lightning_app.utils.json_csv import read_json, write_json
from tests.conftest import Program
from tests.helpers.paths import MAIN
from tests.helpers.waiting import wait_until

LOGGER = "callbacks.wandb_logger.ForgivingWandbLogger"
TWO = ["--only", "unet_t1c", "--only", "aspp_t2f", "--config", "toy.yaml"]

Calls = list[tuple[str, ...]]


@pytest.fixture
def calls(program: Program, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The commands that are carried out, in this process and without the report."""
    made: Calls = []

    def execute(*arguments: str) -> int:
        made.append(arguments)
        return 0 if arguments[0] == "report" else main(list(arguments))

    monkeypatch.setattr(reproduce, "execute", execute)
    return made


def names(calls: Calls) -> list[str]:
    return [call[0] for call in calls]


def test_finished_work_is_not_repeated(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", *TWO]) == 0
    assert names(calls) == ["fit", "test", "fit", "test", "report"]
    output = capsys.readouterr().out
    assert "[1/2] unet_t1c, seed 0" in output
    assert "[2/2] aspp_t2f, seed 0" in output
    runs = find_runs(Path("runs"))
    assert {run.experiment for run in runs} == {"unet_t1c", "aspp_t2f"}
    assert all(run.test().metrics.is_file() for run in runs)

    calls.clear()
    assert main(["reproduce", *TWO, "--data.num_workers", "1"]) == 0  # no effect on the results
    assert names(calls) == ["report"]

    calls.clear()
    (tested,) = (run for run in runs if run.experiment == "aspp_t2f")
    tested.test().metrics.unlink()
    assert main(["reproduce", *TWO, "--seeds", "2"]) == 0
    assert names(calls) == ["test", "fit", "test", "fit", "test", "report"]
    assert len(find_runs(Path("runs"))) == 4


def test_any_experiments_are_reproduced(calls: Calls) -> None:
    Path("mine").mkdir()
    shutil.copy(CONFIGS / "spp_t2w.yaml", "mine/other.yaml")
    own = ["--experiment", "unet_t1c.yaml", "--only", "unet_t1c", "--experiment", "mine/other.yaml"]
    assert main(["reproduce", *own, "--config", "toy.yaml"]) == 0
    assert names(calls) == ["fit", "test", "fit", "test", "report"]
    assert [run.experiment for run in find_runs(Path("runs"))] == ["other", "unet_t1c"]

    calls.clear()
    assert main(["reproduce", *own, "--config", "toy.yaml"]) == 0
    assert names(calls) == ["report"]


def test_a_variant_is_reproduced_by_its_bare_name() -> None:
    (cell,) = cells(["aspp_v2_t1c"], 1, [])
    assert (cell.config, cell.experiment) == ("aspp_v2_t1c.yaml", "aspp_v2_t1c")


def test_the_papers_twelve_are_the_default() -> None:
    grid = cells([], 1, [])
    assert {f"{cell.experiment}.yaml" for cell in grid} == {
        path.name for path in CONFIGS.glob("*.yaml") if path != BASE
    }
    assert len(grid) == 12


def test_a_test_of_earlier_weights_is_repeated(calls: Calls) -> None:
    own = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(own) == 0
    (run,) = find_runs(Path("runs"))
    metrics = run.test().metrics
    results = read_json(metrics)
    write_json(metrics, {**results, "checkpoint": {**results["checkpoint"], "epoch": -1}})

    calls.clear()
    assert main(own) == 0
    assert names(calls) == ["test", "report"]
    assert read_json(metrics)["checkpoint"] == results["checkpoint"]

    calls.clear()
    run.best.unlink()  # to save disk space: the test stays valid
    assert main(own) == 0
    assert names(calls) == ["report"]


@pytest.mark.parametrize("name", ["slices.csv", "cases.csv", "volumes.csv", "masks.npz"])
def test_a_test_that_wrote_only_some_of_its_files_is_repeated(name: str, calls: Calls) -> None:
    own = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(own) == 0
    test = only_run().test().path
    before = sorted(path.name for path in test.iterdir())
    (test / name).unlink()

    calls.clear()
    assert main(own) == 0
    assert names(calls) == ["test", "report"]
    assert sorted(path.name for path in test.iterdir()) == before


def test_a_test_that_left_out_slices_without_brain_is_repeated(calls: Calls) -> None:
    one = ["reproduce", *TWO[:2], *TWO[4:], "--data.eval_slices", "all"]
    assert main(one) == 0
    (run,) = find_runs(Path("runs"))
    content = read_json(run.test().metrics)
    del content["data"]["slices_format"]
    write_json(run.test().metrics, content)
    calls.clear()

    assert main(one) == 0
    assert names(calls) == ["test", "report"]


def test_another_config_or_other_data_are_another_run(calls: Calls) -> None:
    one = ["--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(["reproduce", *one]) == 0
    assert main(["reproduce", *one, "--optimizer.lr", "0.01"]) == 0
    assert main(["reproduce", *one, "--data.split_seed", "1"]) == 0
    assert names(calls) == 3 * ["fit", "test", "report"]


def test_each_fold_is_trained_and_tested_once(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    folds = ["reproduce", *TWO[:2], *TWO[4:], "--folds", "3"]
    assert main(folds) == 0
    assert names(calls) == 3 * ["fit", "test"] + ["report"]
    assert "[3/3] unet_t1c, seed 0, fold 2 of 3" in capsys.readouterr().out
    runs = find_runs(Path("runs"))
    assert {run.experiment for run in runs} == {f"unet_t1c_fold{number}" for number in range(3)}
    tested = [case for run in runs for case, _, side in read_split(run.split) if side == "test"]
    assert len(tested) == len(set(tested)) == 14

    calls.clear()
    assert main(folds) == 0
    assert names(calls) == ["report"]

    calls.clear()
    shutil.rmtree(next(run.path for run in runs if run.experiment == "unet_t1c_fold1"))
    assert main(folds) == 0
    assert names(calls) == ["fit", "test", "report"]


def test_an_interrupted_fold_is_resumed(calls: Calls) -> None:
    one = ["--config", "unet_t1c.yaml", "--config", "toy.yaml", "--data.folds", "3"]
    assert main(["fit", *one, "--data.fold", "1", "--trainer.max_epochs", "2"]) == 0
    by_hand = only_run()
    write_json(by_hand.status, {**read_status(by_hand), "status": "interrupted"})

    assert main(["reproduce", *TWO[:2], *TWO[4:], "--folds", "3", "--trainer.max_epochs", "2"]) == 0

    resumed = [call for call in calls if call[1:3] == ("--resume", str(by_hand.path))]
    assert len(resumed) == 1
    assert names(calls).count("fit") == 3
    assert len(find_runs(Path("runs"))) == 3


def test_seeds_and_folds_multiply_and_the_folds_of_an_experiment_follow_each_other() -> None:
    grid = cells(["unet_t1c", "aspp_t2f"], 2, [], 3)

    assert [str(cell) for cell in grid[:4]] == [
        "unet_t1c, seed 0, fold 0 of 3", "unet_t1c, seed 0, fold 1 of 3",
        "unet_t1c, seed 0, fold 2 of 3", "aspp_t2f, seed 0, fold 0 of 3",
    ]  # fmt: skip
    assert len(set(grid)) == 2 * 2 * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folds", "2"], "--folds: 2, expected a whole number from 3 up"),
        (["--folds", "3", "--data.fold", "1"], "--data.fold follows from --folds"),
        (["--data.folds", "3"], "--data.folds follows from --folds"),
        (["--folds", "3", "--data.split_sizes", "[8,3,3]"], "expected only one of them"),
    ],
)
def test_bad_folds_are_refused(
    options: list[str], message: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["reproduce", *TWO, *options])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert find_runs(Path("runs")) == []


def test_a_run_without_a_later_option_matches_only_if_the_option_is_at_its_default(
    calls: Calls,
) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(one) == 0
    config = yaml.safe_load(only_run().config.read_text("utf-8"))
    del config["acceleration"], config["data"]["on_device"]
    only_run().config.write_text(yaml.safe_dump(config), "utf-8")

    calls.clear()
    assert main([*one, "--data.on_device", "true"]) == 0  # changes nothing
    assert names(calls) == ["report"]
    assert main([*one, "--acceleration.channels_last", "true"]) == 0
    assert names(calls) == ["report", "fit", "test", "report"]


@pytest.mark.parametrize(
    "limit", [["--trainer.limit_train_batches", "2"], ["--trainer.max_time", "00:00:00:00"]]
)
def test_a_partial_training_is_the_same_run_only_with_the_same_limit(
    limit: list[str], calls: Calls
) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    main([*one, *limit])
    assert names(calls) == ["fit", "test", "report"]
    main([*one, *limit])
    assert names(calls).count("fit") == 1

    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["fit", "test", "report"]
    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["report"]


def test_a_test_of_a_part_is_no_test(calls: Calls) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    typed = ["--data.slices", "all", "--data.split_sizes", "[8,3,3]"]
    assert main(["fit", "--config", "unet_t1c.yaml", "--config", "toy.yaml", *typed]) == 0
    assert main(["test", "--trainer.limit_test_batches", "2"]) == 0
    assert main([*one, *typed, "--trainer.limit_test_batches", "2"]) == 0  # does not matter to it
    assert names(calls) == ["test", "report"]

    calls.clear()
    metrics = only_run().test().metrics
    results = read_json(metrics)
    del results["partial"]
    write_json(metrics, {**results, "cases": 1})  # as an earlier version tested a part
    assert main([*one, *typed]) == 0
    assert names(calls) == ["test", "report"]


DAMAGES = {
    ("config.yaml", "["): "config.yaml: is not valid YAML",
    ("config.yaml", "[]"): "config.yaml: it is a list",
    ("config.yaml", "{}"): "the saved config is not complete: no network",
    ("environment.json", "{"): "environment.json: Expecting property name",
    ("environment.json", '{"data": 3}'): "environment.json: data is 3, expected a mapping",
}


def test_a_damaged_run_is_left_out_with_the_reason(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(one) == 0
    run = only_run()
    for (record, content), words in DAMAGES.items():
        whole = (run.path / record).read_text("utf-8")
        (run.path / record).write_text(content, "utf-8")
        wanted = WantedRun(cells(["unet_t1c"], 1, ["--config", "toy.yaml"])[0])
        assert wanted.find() is None
        assert wanted.unreadable[run.path].startswith(words)
        (run.path / record).write_text(whole, "utf-8")

    run.environment.write_text("[]", "utf-8")
    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["fit", "test", "report"]
    assert f"Left out: run '{run.path}': environment.json: it is a list" in capsys.readouterr().out


def test_a_run_whose_test_is_damaged_is_tested_again(calls: Calls) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(one) == 0
    only_run().test().metrics.write_text("[]", "utf-8")
    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["test", "report"]

    only_run().best.write_text("[]", "utf-8")
    calls.clear()
    assert main(one) == 1
    assert names(calls) == ["test", "report"]


def test_a_failure_is_reported_and_the_others_continue(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    execute: Any = vars(reproduce)["execute"]

    def fail(*arguments: str) -> int:
        return 2 if "unet_t1c.yaml" in arguments else int(execute(*arguments))

    monkeypatch.setattr(reproduce, "execute", fail)
    assert main(["reproduce", *TWO]) == 1
    output = capsys.readouterr().out
    assert "failed (exit code 2)" in output
    assert names(calls) == ["fit", "test", "report"]
    assert [run.experiment for run in find_runs(Path("runs"))] == ["aspp_t2f"]


def test_bad_data_are_a_failure_and_the_others_continue(
    calls: Calls, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(toy_root, "data")
    next(Path("data").glob("*/*-t1c.nii.gz")).unlink()
    assert main(["reproduce", *TWO, "--data.root", "data"]) == 1
    error = capsys.readouterr().err
    assert "unet_t1c, seed 0: bad cases: 1" in error
    assert names(calls) == ["fit", "test", "report"]
    assert [run.experiment for run in find_runs(Path("runs"))] == ["aspp_t2f"]


def test_an_interruption_ends_the_grid(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reproduce, "execute", lambda *_: 130)
    assert main(["reproduce", *TWO]) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert not calls


def test_a_run_that_another_process_trains_is_waited_for(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["reproduce", *TWO]) == 0
    calls.clear()
    for run in find_runs(Path("runs")):
        run.test().metrics.unlink()
    answers = iter([True, True, False, True, False])  # unet, aspp, then unet, aspp, aspp
    monkeypatch.setattr(reproduce, "is_alive", lambda _: next(answers))
    monkeypatch.setattr(reproduce, "WAIT_S", 0.0)
    assert main(["reproduce", *TWO]) == 0
    assert names(calls) == ["test", "test", "report"]


def test_a_cell_that_another_process_has_claimed_comes_last(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("runs").mkdir()
    other = FileLock("runs/.unet_t1c-0.lock")
    other.acquire()
    monkeypatch.setattr(time, "sleep", lambda _: other.release())  # nothing else was left to do

    assert main(["reproduce", *TWO]) == 0

    experiments = [call[2] for call in calls if call[0] == "fit"]
    assert experiments == ["aspp_t2f.yaml", "unet_t1c.yaml"]
    assert "unet_t1c, seed 0 is being trained by another process" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "0"], "expected a whole number from 1 up"),
        (["--only", "vnet_t1c"], "--experiment 'vnet_t1c': no such file; nearest: unet_t1c.yaml"),
        (["--experiment", "no/such.yaml"], "--experiment 'no/such.yaml': no such file"),
        (
            ["--experiment", "unet_t1c", "--experiment", "mine/unet_t1c.yaml"],
            "'unet_t1c.yaml' and 'mine/unet_t1c.yaml' have the same name",
        ),
        (["--seed_everything", "3"], "--seed_everything follows from --seeds"),
        (["--data.batchsize", "3"], "batch_size"),
    ],
)
def test_bad_options_are_refused(
    options: list[str], words: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine").mkdir()
    shutil.copy(CONFIGS / "unet_t1c.yaml", "mine")
    try:
        code: object = main(["reproduce", *options])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert words in capsys.readouterr().err


def only_run() -> Run:
    (run,) = find_runs(Path("runs"))
    return run


@pytest.mark.slow
def test_a_killed_reproduce_continues(program: Program) -> None:
    command = [
        sys.executable, str(MAIN), "reproduce", "--only", "unet_t1c", "--config", "toy.yaml",
        "--data.slices", "all", "--trainer.max_epochs", "30", "--last_checkpoint.every_n_minutes",
        "0",
    ]  # fmt: skip
    grid = subprocess.Popen(command, start_new_session=True)
    while not (find_runs(Path("runs")) and only_run().last.exists()):
        assert grid.poll() is None
        time.sleep(0.05)
    os.killpg(grid.pid, signal.SIGKILL)
    grid.wait()
    assert read_status(only_run())["status"] == "running"

    assert subprocess.run(command, check=False).returncode == 0
    status = read_status(only_run())
    assert (status["status"], status["resumed"]) == ("finished", 1)
    assert only_run().test().metrics.is_file()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_a_training_that_starts_up_ends_with_a_killed_reproduce(program: Program) -> None:
    command = [
        sys.executable, str(MAIN), "reproduce", "--only", "unet_t1c", "--config", "toy.yaml",
        "--trainer.max_epochs", "100000",
    ]  # fmt: skip
    grid = subprocess.Popen(command, start_new_session=True)
    wait_until(lambda: any(parent in processes_of(grid.pid) for parent in parents_of(grid.pid)))
    grid.kill()  # and not its child
    grid.wait()
    wait_until(lambda: not processes_of(grid.pid))
    assert find_runs(Path("runs")) == []


@pytest.mark.slow
def test_two_at_a_time_train_and_test_everything_once(program: Program) -> None:
    command = [sys.executable, str(MAIN), "reproduce", *TWO, "--only", "unet_t2w", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    runs = find_runs(Path("runs"))
    assert sorted(run.experiment for run in runs) == ["aspp_t2f", "unet_t1c", "unet_t2w"]
    assert all(run.test().metrics.is_file() for run in runs)
    trained = [Path("runs/reproduce-2.log").read_text("utf-8").count("\nBest epoch"),
               done.stdout.count("\nBest epoch")]  # fmt: skip
    assert sum(trained) == 3
    assert min(trained) > 0
    assert done.stdout.count("3 runs, 0 left out") == 1


@pytest.mark.slow
def test_every_training_and_test_is_logged_to_w_and_b(program: Program) -> None:
    pytest.importorskip("wandb")
    command = [sys.executable, str(MAIN), "reproduce", *TWO, "--trainer.logger", LOGGER]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "W&B failed" not in done.stdout + done.stderr
    folders = [len(list(run.path.glob("wandb/offline-run-*"))) for run in find_runs(Path("runs"))]
    assert folders == [2, 2]


@pytest.mark.slow
def test_two_at_a_time_end_with_the_first(program: Program) -> None:
    command = [sys.executable, str(MAIN), "reproduce", *TWO, "--jobs", "2"]
    grid = subprocess.Popen([*command, "--trainer.max_epochs", "100000"])
    wait_until(lambda: [run.last.exists() for run in find_runs(Path("runs"))] == [True, True])
    grid.terminate()

    assert grid.wait() == 143
    assert [read_status(run)["status"] for run in find_runs(Path("runs"))] == ["interrupted"] * 2


def processes_of(session: int) -> dict[int, int]:
    """The processes of a session except its first, each with its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, _, its_session = path.read_text("utf-8").rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != "Z":
            found[int(path.parent.name)] = int(parent)
    found.pop(session, None)
    return found


def parents_of(session: int) -> list[int]:
    return list(processes_of(session).values())
