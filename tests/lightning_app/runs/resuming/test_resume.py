"""A resumed run ends bit-identically, with its own settings, or is refused."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning.pytorch import Callback, Trainer

from lightning_app.cli import main
from lightning_app.commands.fit import FitCLI
from lightning_app.metrics.evaluate import monitored_dice
from lightning_app.runs.checkpoint_io import FORMAT, DurableCheckpointIO
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.status import is_alive, locked, read_status, write_status
from tests.conftest import Program
from tests.fault_injection.compare_runs import differences, same
from tests.helpers.runs.unfinished import unfinished_of_dead_process
from tests.helpers.toy import write_dataset

Snapshots = dict[int, Path]

SIZE = ["--trainer.max_epochs", "3", "--data.slices", "all", "--data.batch_size", "8"]
TRUST = ["--trust", "tests"]
DROPOUT = ["--model.network.class_path", "tests.fault_injection.dropout_unet.DropoutUNet", *TRUST]
FLIPS = ["--data.flip", "true"]
FLIP_CLASS = "data_modules.augmentation.horizontal_flip.HorizontalFlip"
OFTEN = ["--last_checkpoint.every_n_minutes", "0"]


@pytest.fixture
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    """Copies of the run's folder, one after each last.ckpt: what a kill there would leave."""
    taken: Snapshots = {}
    save = DurableCheckpointIO.save_checkpoint

    def save_and_copy(self: Any, checkpoint: dict[str, Any], path: Path, **rest: Any) -> None:
        save(self, checkpoint, path, **rest)
        run = Path(path).parents[1]
        if Path(path).name == "last.ckpt" and run.is_relative_to(tmp_path / "runs"):
            number = len(taken)
            taken[number] = tmp_path / "killed" / str(number) / run.parent.name / run.name
            shutil.copytree(run, taken[number])

    monkeypatch.setattr(DurableCheckpointIO, "save_checkpoint", save_and_copy)
    return taken


def only_run(root: str = "runs") -> Run:
    (run,) = find_runs(Path(root))
    return run


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def assert_same_ending(run: Run, uninterrupted: Run) -> None:
    """Weights, optimiser, schedule, generators, best epoch and CSV are bit-identical; finished."""
    assert differences(run, uninterrupted) == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_resumed_run_ends_with_the_same_bits_wherever_it_was_killed(
    workers: str, program: Program, snapshots: Snapshots
) -> None:
    flags = [*SIZE, *DROPOUT, *FLIPS, *OFTEN, "--data.num_workers", workers]
    assert program("fit", *flags) == 0
    uninterrupted = only_run()
    steps = load(uninterrupted.last)["global_step"]
    killed = list(snapshots.values())[:-1]
    assert len(killed) == steps - 1  # after every batch, the last of an epoch being its end
    # With workers, which start slowly, only a few of them.
    for folder in killed if workers == "0" else killed[3:9:2]:
        assert program("fit", "--resume", str(folder), "--data.num_workers", workers, *TRUST) == 0
        assert_same_ending(Run(folder), uninterrupted)


@pytest.mark.parametrize(
    "extra",
    [
        ["--trainer.accumulate_grad_batches", "2"],
        ["--trainer.num_sanity_val_steps", "1"],
        ["--trainer.val_check_interval", "4"],
        ["--trainer.precision", "bf16-mixed"],
        ["--acceleration.channels_last", "true"],
        ["--trainer.check_val_every_n_epoch", "2"],
        ["--data.augmentation", "strong"],
        ["--data.tumour_share", "0.5"],
        ["--trainer.max_steps", "1000"],  # more than there are
        [
            "--trainer.callbacks+=GradientAccumulationScheduler",
            "--trainer.callbacks.scheduling={0: 2, 1: 3}",
        ],
    ],
    ids=lambda extra: extra[0],
)
def test_a_resumed_run_ends_with_the_same_bits_with_other_options(
    extra: list[str], program: Program, snapshots: Snapshots
) -> None:
    assert program("fit", *SIZE, *DROPOUT, *FLIPS, *OFTEN, *extra) == 0
    uninterrupted = only_run()
    at_the_end_of_an_epoch = [folder for folder in snapshots.values() if has_whole_epochs(folder)]
    resumed = [*list(snapshots.values())[1:-1:3], *at_the_end_of_an_epoch[:1]]
    assert resumed
    for folder in dict.fromkeys(resumed):
        assert program("fit", "--resume", str(folder), *TRUST) == 0
        assert_same_ending(Run(folder), uninterrupted)


def test_no_state_is_saved_that_would_skip_a_validation(
    program: Program, snapshots: Snapshots
) -> None:
    every_four = ["--trainer.check_val_every_n_epoch=null", "--trainer.val_check_interval=4"]
    assert program("fit", *SIZE, *OFTEN, *every_four) == 0
    saved = {load(Run(folder).last)["global_step"] for folder in snapshots.values()}
    assert saved == set(range(1, 19)) - {4, 8, 16}  # after 12 an epoch ends


def has_whole_epochs(folder: Path) -> bool:
    epochs = load(Run(folder).last)["loops"]["fit_loop"]["epoch_progress"]["current"]
    return bool(epochs["processed"] == epochs["started"])


@pytest.mark.parametrize("accumulated", ["1", "2"])
def test_a_training_that_was_ended_within_an_epoch_goes_on_with_the_next_batch(
    accumulated: str, program: Program
) -> None:
    flags = [*SIZE, *DROPOUT, *FLIPS, "--trainer.accumulate_grad_batches", accumulated]
    assert program("fit", *flags, "--trainer.default_root_dir", "whole") == 0
    uninterrupted = only_run("whole")
    steps = load(uninterrupted.last)["global_step"]

    assert program("fit", *flags, "--trainer.max_steps", str(steps // 2)) == 0
    assert not has_whole_epochs(only_run().path)
    assert program("fit", "--resume", "unet_t1c", "--trainer.max_steps", "-1", *TRUST) == 0

    assert_same_ending(only_run(), uninterrupted)


@pytest.mark.parametrize(
    ("extra", "saved_at"),
    [
        ([], 9),
        (["--trainer.accumulate_grad_batches", "2"], 5),  # of the ninth and the tenth batch
        (["--trainer.val_check_interval", "3"], 9),  # after a validation
    ],
)
def test_a_training_that_was_stopped_within_an_epoch_goes_on_with_the_next_batch(
    extra: list[str], saved_at: int, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OutOfTime(Callback):
        """As the Timer of max_time, by batches."""

        def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
            trainer.should_stop |= trainer.fit_loop.total_batch_idx >= 8

        def on_validation_start(self, trainer: Trainer, *_: object) -> None:
            if trainer.should_stop and "--trainer.val_check_interval" not in extra:
                # The validation of that moment, which an uninterrupted training has not.
                monkeypatch.setattr("lightning_app.task.monitored_dice", lambda table: 0.99)

    flags = [*SIZE, *DROPOUT, *FLIPS, *extra]
    assert program("fit", *flags, "--trainer.default_root_dir", "whole") == 0
    callbacks = FitCLI.command_callbacks
    with monkeypatch.context() as patched:
        patched.setattr(FitCLI, "command_callbacks", lambda cli: [OutOfTime(), *callbacks(cli)])
        assert program("fit", *flags) == 0
    monkeypatch.setattr("lightning_app.task.monitored_dice", monitored_dice)
    assert load(only_run().last)["global_step"] == saved_at
    assert program("fit", "--resume", "unet_t1c", *TRUST) == 0

    assert_same_ending(only_run(), only_run("whole"))


def test_a_schedule_of_limited_steps_is_resumed_with_its_length(
    program: Program, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = [
        "--lr_scheduler=torch.optim.lr_scheduler.OneCycleLR", "--lr_scheduler.max_lr=0.01",
        "--lr_scheduler.total_steps=9", "--model.lr_interval", "step",
    ]  # fmt: skip
    limits = ["--trainer.max_epochs", "-1", "--trainer.max_steps", "9"]
    assert program("fit", *SIZE, *OFTEN, *schedule, *limits) == 0
    capsys.readouterr()
    assert program("fit", "--resume", str(snapshots[3])) == 0
    assert "warning" not in capsys.readouterr().err
    assert_same_ending(Run(snapshots[3]), only_run())


def test_what_a_resumed_run_ran_on_is_recorded(program: Program, snapshots: Snapshots) -> None:
    assert program("fit", *SIZE, *OFTEN) == 0
    folder = snapshots[1]
    assert program("fit", "--resume", str(folder)) == 0
    recorded = json.loads(Run(folder).environment.read_text("utf-8"))
    (resumed,) = recorded["resumed"]
    assert resumed.keys() == recorded.keys() - {"format", "data", "resumed"}
    assert resumed["packages"] == recorded["packages"]


def test_averaged_weights_are_not_trained_by_mistake(
    program: Program, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    average = ["--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay=0.9"]
    assert program("fit", *SIZE, *OFTEN, *average) == 0
    capsys.readouterr()

    assert program("fit", "--resume", str(snapshots[4]), "--trainer.callbacks", "null") == 2

    assert "trainer.callbacks has no callback that averages" in capsys.readouterr().err


def test_other_callbacks_are_a_warning(
    program: Program, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *SIZE, *OFTEN) == 0
    stopping = ["--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=val/dice"]
    assert program("fit", "--resume", str(snapshots[4]), *stopping) == 0
    assert "a callback may change the training" in capsys.readouterr().err


def test_slices_on_the_device_give_the_same_bits_interrupted_or_not(
    program: Program, snapshots: Snapshots
) -> None:
    flags = [*SIZE, *DROPOUT, *FLIPS]
    assert program("fit", *flags, "--trainer.default_root_dir", "read") == 0
    assert program("fit", *flags, *OFTEN, "--data.on_device", "true") == 0

    assert_same_ending(only_run(), only_run("read"))
    folder = snapshots[4]  # in the middle of an epoch
    assert program("fit", "--resume", str(folder), *TRUST) == 0
    assert_same_ending(Run(folder), only_run("read"))


def test_averaged_weights_are_resumed_with_the_weights_that_are_trained(
    program: Program, snapshots: Snapshots
) -> None:
    average = ["--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay=0.9"]
    assert program("fit", *SIZE, *OFTEN, *average) == 0
    uninterrupted = only_run()
    folder = snapshots[4]  # in the middle of an epoch
    assert program("fit", "--resume", str(folder)) == 0
    assert_same_ending(Run(folder), uninterrupted)
    trained = [load(run.last)["current_model_state"] for run in (Run(folder), uninterrupted)]
    assert same(*trained)


def test_without_a_name_the_newest_unfinished_run_of_the_experiment_is_resumed(
    program: Program, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *OFTEN, "--trainer.max_epochs", "2") == 0
    old = next(iter(snapshots.values()))
    shutil.rmtree("runs")
    shutil.copytree(old.parents[1], "runs")
    assert program("fit", "--trainer.max_epochs", "1", experiment="aspp_t1c.yaml") == 0

    assert program("fit", "--resume", "--config", "aspp_t1c.yaml") == 2
    assert "no unfinished run of experiment 'aspp_t1c'" in capsys.readouterr().err
    assert program("fit", "--resume") == 0  # the newer run is finished
    statuses = {run.experiment: read_status(run) for run in find_runs(Path("runs"))}
    assert statuses["unet_t1c"]["status"] == "finished"
    assert statuses["unet_t1c"]["resumed"] == 1
    assert statuses["aspp_t1c"]["resumed"] == 0
    assert program("fit", "--resume", "unet_t1c") == 2
    assert "has its 2 epochs" in capsys.readouterr().err


def test_a_run_without_a_checkpoint_starts_again_in_its_folder(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    run = only_run()
    expected = load(run.last)["state_dict"]
    shutil.rmtree(run.checkpoints)
    write_status(run, "running")
    left = unfinished_of_dead_process(run.metrics)
    left.touch()

    assert program("fit", "--resume") == 0
    assert "starts again" in capsys.readouterr().out
    assert only_run() == run
    assert all(map(torch.equal, load(run.last)["state_dict"].values(), expected.values()))
    with run.metrics.open(newline="", encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0"]
    assert not left.exists()


@pytest.fixture
def halfway(
    program: Program, snapshots: Snapshots, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A run of two epochs that was killed after the first."""
    made = tmp_path_factory.getbasetemp() / "halfway"  # once for all tests of a process
    if not made.exists():
        assert program("fit", *OFTEN, "--trainer.max_epochs", "2") == 0
        *_, at_end_of_first = (
            folder for folder in snapshots.values() if load(Run(folder).last)["epoch"] == 0
        )
        shutil.rmtree("runs")
        shutil.copytree(at_end_of_first.parents[1], made)
    shutil.copytree(made, "runs")
    return only_run()


@pytest.mark.parametrize(
    ("option", "value", "own"),
    [
        ("data.batch_size", "3", "4"),
        ("data.modalities", "[t2w]", "['t1c']"),
        ("data.target", "core", "whole"),
        ("data.slices", "all", "middle"),
        ("data.split_seed", "1", "0"),
        ("data.folds", "5", "None"),
        ("data.fold", "1", "0"),
        ("data.augmentations", f"[{FLIP_CLASS}]", "[]"),
        ("optimizer.init_args.lr", "0.5", "0.001"),
        ("seed_everything", "1", "0"),
        ("model.network.init_args.widths", "[4,4,4,4,4]", "[4, 4, 4, 4, 8]"),
        ("trainer.accumulate_grad_batches", "2", "1"),
    ],
)
def test_an_option_that_makes_it_another_run_is_refused(
    option: str,
    value: str,
    own: str,
    program: Program,
    halfway: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = halfway.status.read_bytes(), halfway.config.read_bytes()
    assert program("fit", "--resume", f"--{option}", value) == 2
    lines = capsys.readouterr().err.splitlines()
    line = next(line for line in lines if line.startswith(f"error: {option} is "))
    assert f"was started with {own}" in line
    assert "--weights" in line
    assert (halfway.status.read_bytes(), halfway.config.read_bytes()) == before


def forget(run: Run, *options: str) -> None:
    """Turn a run's config into that of an earlier version, without some options."""
    config = yaml.safe_load(run.config.read_text("utf-8"))
    for option in options:
        group, _, name = option.rpartition(".")
        del (config[group] if group else config)[name]
    run.config.write_text(yaml.safe_dump(config), "utf-8")


def test_an_option_later_than_the_run_counts_as_changed_unless_at_its_default(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    forget(halfway, "acceleration", "data.flip", "data.on_device", "data.augmentations")
    flags = ["--acceleration.fold_batch_norm", "true", "--data.on_device", "true"]
    assert program("fit", "--resume", "--data.flip", "true") == 2
    assert "data.flip is True, but run" in capsys.readouterr().err
    assert program("fit", "--resume", "--acceleration.channels_last", "true", *flags) == 0
    (warning,) = (line for line in capsys.readouterr().err.splitlines() if "warning" in line)
    assert "acceleration.channels_last is True and was False: the weights will not" in warning


def test_a_run_of_an_earlier_version_resumes_without_a_warning(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    forget(halfway, "acceleration", "data.flip", "data.on_device", "data.augmentations")
    assert program("fit", "--resume") == 0
    assert "warning" not in capsys.readouterr().err


def test_a_longer_training_keeps_the_cycle_and_says_so(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--resume", "--trainer.max_epochs", "3") == 0
    assert "trainer.max_epochs is 3 and was 2" in capsys.readouterr().err
    config = yaml.safe_load(halfway.config.read_text("utf-8"))
    assert config["trainer"]["max_epochs"] == 3
    assert config["lr_scheduler"]["init_args"]["T_0"] == 2
    with halfway.metrics.open(newline="", encoding="utf-8") as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file)]
    assert rates == pytest.approx([0.001, 0.0005, 0.001])  # the third epoch starts a new cycle


def test_other_data_are_refused(
    program: Program, halfway: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_dataset(tmp_path / "other", 13)
    before = halfway.status.read_bytes()
    assert program("fit", "--resume", "--data.root", str(other)) == 2
    assert "the fingerprint of the data is" in capsys.readouterr().err
    assert halfway.status.read_bytes() == before


def prepared_by_an_earlier_version(run: Run, fingerprint: str | None) -> None:
    """Make a run one of an earlier version, on other slices if there is a fingerprint."""
    content = json.loads(run.environment.read_text("utf-8"))
    del content["data"]["slices_format"]
    content["data"]["fingerprint"] = fingerprint or content["data"]["fingerprint"]
    run.environment.write_text(json.dumps(content), "utf-8")


def test_slices_that_an_earlier_version_prepared_are_not_mixed_with_others(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared_by_an_earlier_version(halfway, "0123abcd")
    assert program("fit", "--resume") == 2
    error = capsys.readouterr().err
    assert "an earlier version prepared its slices with another brain mask" in error
    assert "--weights" in error

    assert program("test") == 0
    printed = capsys.readouterr().out
    assert "not the slices that the run was trained on: an earlier version" in printed
    (other,) = halfway.other_tests()
    assert other.metrics.is_file()


def test_slices_that_stayed_the_same_are_not_mentioned(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared_by_an_earlier_version(halfway, None)
    assert program("fit", "--resume") == 0
    assert program("test") == 0
    printed = "".join(capsys.readouterr())
    assert "earlier version" not in printed
    assert halfway.test().metrics.is_file()


def test_the_same_data_elsewhere_and_a_moved_run_are_fine(
    program: Program, halfway: Run, tmp_path: Path, toy_root: Path
) -> None:
    shutil.copytree(toy_root, tmp_path / "moved")
    Path("runs").rename("elsewhere")
    flags = ["--trainer.default_root_dir", "elsewhere", "--data.root", str(tmp_path / "moved")]
    assert program("fit", "--resume", *flags) == 0
    run = only_run("elsewhere")
    assert run.path.name == halfway.path.name
    rows = list(csv.DictReader(run.metrics.read_text("utf-8").splitlines()))
    best = max(rows, key=lambda row: float(row["val/dice"]))
    assert load(run.best)["epoch"] == int(best["epoch"])


def test_a_run_that_is_being_trained_is_refused(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with locked(halfway):
        assert is_alive(halfway)
        assert program("fit", "--resume", str(halfway.path)) == 2
        assert "is being trained by process" in capsys.readouterr().err
        assert program("fit", "--resume") == 2
        assert "no unfinished run" in capsys.readouterr().err
    assert not is_alive(halfway)


def test_a_damaged_checkpoint_is_one_line(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    halfway.last.write_bytes(halfway.last.read_bytes()[:1000])
    assert program("fit", "--resume") == 2
    assert f"checkpoint '{halfway.last}' cannot be loaded" in capsys.readouterr().err


def test_a_checkpoint_of_a_later_format_is_refused(
    program: Program, halfway: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    content = load(halfway.last)
    assert content["format"] == FORMAT
    torch.save({**content, "format": FORMAT + 1}, halfway.last)
    assert program("fit", "--resume") == 2
    assert "written by a later version" in capsys.readouterr().err


def test_a_requeued_slurm_job_resumes_its_run(
    program: Program, halfway: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_status(halfway, "interrupted", job="77")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setattr("lightning_app.runs.lookup.slurm_job", lambda: "77")
    assert main(["fit"]) == 0
    assert read_status(only_run())["status"] == "finished"
    monkeypatch.setattr("lightning_app.runs.lookup.slurm_job", lambda: "78")
    assert program("fit") == 0
    assert len(find_runs(Path("runs"))) == 2


def test_a_checkpoint_of_the_first_format_still_loads(program: Program, halfway: Run) -> None:
    first_format = Path(__file__).with_name("checkpoint_format_1.ckpt")  # never write it again
    for path in (halfway.last, halfway.best):
        shutil.copyfile(first_format, path)
    assert program("test") == 0
    assert program("fit", "--resume") == 0
    assert load(halfway.last)["epoch"] == 1
    assert program("fit", "--weights", str(first_format)) == 0


def test_a_run_of_a_larger_machine_gets_the_workers_that_this_one_can_have(
    program: Program,
    halfway: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = halfway.config.read_text("utf-8")
    halfway.config.write_text(config.replace("num_workers: 0", "num_workers: 200"), "utf-8")
    monkeypatch.setattr("data_modules.options.cores", lambda: 1)
    monkeypatch.setattr("data_modules.options.WORKERS_PER_CORE", 1)

    assert program("fit", "--resume", "--data.num_workers", "300") == 2
    assert "data.num_workers is 300, expected 0 or more, and at most 1" in capsys.readouterr().err
    assert program("fit", "--resume") == 0
    assert f"data.num_workers is 200 in '{halfway.config}': 1" in capsys.readouterr().out
    assert "num_workers: 200" in halfway.config.read_text("utf-8")  # for the larger machine
    assert program("test") == 0
