"""What the command line does with commands, options, configs and mistakes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lightning_app.cli import main
from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.helpers.paths import MAIN, ROOT
from tests.helpers.runs.damaged_records import yaml_bomb
from tests.helpers.toy import write_case, write_dataset


def start(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAIN), *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], [], ["--version"], ["tset"], ["fit", "--help"]])
def test_help_and_mistyped_commands_import_neither_torch_nor_lightning(
    arguments: list[str],
) -> None:
    script = (
        "import sys; from lightning_app.cli import main; code = main(sys.argv[1:]);"
        "print(code, sorted({'torch', 'lightning', 'SimpleITK'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == ("2 []" if arguments == ["tset"] else "0 []")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["test", "--run", ""], "--run"),
        (["fit", "--data.root="], "--data.root"),
        (["predict", "--input", "", "--output", "x"], "--input"),
        (["report", ""], "an argument"),
    ],
)
def test_an_empty_value_is_no_path(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {named} is empty, expected a value")


def test_libraries_are_frozen_and_garbage_collection_stays_on() -> None:
    script = (
        "import gc, lightning_app.utils.import_torch;"
        "print(gc.isenabled(), gc.get_freeze_count() > 10 * len(gc.get_objects()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True True\n"


_SIGNAL_IS_REAL = "scipy.signal.convolve([1, 2], [1, 1]).tolist() == [1, 3, 2]"


@pytest.mark.parametrize(
    ("before", "after", "printed"),
    [
        ("pass", "print('scipy.signal' in sys.modules)", "False"),
        ("pass", f"import scipy.signal; print({_SIGNAL_IS_REAL})", "True"),
        ("pass", f"import scipy; print({_SIGNAL_IS_REAL})", "True"),
        ("import scipy.signal", f"print({_SIGNAL_IS_REAL})", "True"),
        ("pass", "import torchmetrics; print(callable(torchmetrics.Accuracy))", "True"),
    ],
    ids=["not imported", "imported later", "an attribute later", "imported before", "torchmetrics"],
)
def test_scipy_signal_is_left_out_of_the_import_and_real_afterwards(
    before: str, after: str, printed: str
) -> None:
    script = f"{before}; import sys, lightning_app.utils.import_torch; {after}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{printed}\n"


def test_who_imports_scipy_signal_meanwhile_gets_the_real_one() -> None:
    script = (
        "import sys; from lightning_app.utils.import_torch import _StandIn;"
        "import scipy; sys.modules['scipy.signal'] = _StandIn('scipy.signal');"
        "import scipy.signal as meanwhile; from scipy.signal import convolve;"
        f"print(meanwhile.hamming, convolve is meanwhile.convolve, {_SIGNAL_IS_REAL})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "None True True\n"


def test_a_misspelt_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tset"]) == 2
    assert capsys.readouterr().err == "error: 'tset' is not a command; nearest: test\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {command} " in listed for command in ("fit", "validate", "test", "predict"))


@pytest.mark.parametrize("command", ["fit", "test", "predict", "tune"])
def test_the_list_of_all_options_needs_no_run_and_no_data(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main([command, "--help-all"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: python main.py {command} ")
    assert "--data.root" in printed


FLIP = "data_modules.augmentation.horizontal_flip.HorizontalFlip"
MISTYPED = {
    "a config": (["--config", "aspp_t2x.yaml"], "config 'aspp_t2x.yaml'", "aspp_t2"),
    "an option": (["--trainer.max_epoch", "3"], "--trainer.max_epoch;", "--trainer.max_epochs?"),
    "half an option": (["--data.batch", "3"], "option --data.batch;", "mean --data.batch_size?"),
    "a whole number": (["--trainer.max_epochs", "three"], "trainer.max_epochs is 'three'", "whole"),
    "a fraction": (["--data.batch_size", "1.5"], "data.batch_size is '1.5'", "a whole number"),
    "a word": (["--data.target", "wole"], "data.target is 'wole'", "nearest: whole"),
    "a modality": (["--data.modalities", "[t2g]"], "data.modalities is 't2g'", "t1n, t1c"),
    "a slice rule": (["--data.slices", "midle"], "data.slices is 'midle'", "nearest: middle"),
    "a network's option": (["--model.network.init_args.widhts", "[8]"], "widhts: unk", "widths"),
    "a network": (["--model.network", "models.UNt"], "is 'models.UNt'", "models.UNet"),
    "no network": (["--model.network", "torch.optim.Adam"], "is 'torch.optim.Adam'", "subclass"),
    "a loss": (["--model.loss", "DiceCrossEntrpy"], "model.loss is", "DiceCrossEntropy"),
    "an optimiser": (["--optimizer", "Adamm"], "optimizer is 'Adamm'", "torch.optim.Adam"),
    "a rate": (["--optimizer.lr", "abc"], "optimizer.lr is 'abc'", "a number"),
    "an optimiser's option": (["--optimizer.lrr", "1"], "optimizer.lrr: unknown", "nearest: lr"),
    "an optimiser's options": (["--optimizer.xyz", "1"], "lr, betas", "(class torch.optim.Adam)"),
    "an augmentation's option": (
        [f"--data.augmentations+={FLIP}", "--data.augmentations.chance", "0.2"],
        "data.augmentations.chance: unknown option; valid: none", f"(class {FLIP})",
    ),
    "a release": (["--data.release", "brats2022"], "data.release is 'brats2022'", "brats2021"),
    "a stray word": (["aspp"], "error: 'aspp' is not an option", "--help-all lists every"),
    "a config without --config": (["aspp_t2f.yaml"], "not an option", "--config aspp_t2f.yaml?"),
    "a config by its bare name": (["aspp_t2f"], "not an option", "mean --config aspp_t2f?"),
    "a folder of data": (["."], "error: '.' is not an option", "mean --data.root .?"),
    "a short name": (["--lr", "0.1"], "option --lr;", "mean --optimizer.init_args.lr?"),
    "a name of others": (["--epochs=5"], "option --epochs;", "mean --trainer.max_epochs?"),
    "a network's short name": (["--widths", "[4]"], "--widths;", "network.init_args.widths?"),
    "a loss's short name": (["--dice_weight", "2"], "--dice_weight;", "init_args.dice_weight?"),
    "dashes": (["--data.batch-size", "3"], "option --data.batch-size;", "mean --data.batch_size?"),
    "no option": (["--nonsense"], "unknown option --nonsense; --help", "--help-all lists every"),
    "a linked option": (["--model.network.in_channels", "4"], "in_channels", "data.modalities"),
    "a linked loss": (["--model.loss.init_args.exclusive=true"], "exclusive", "data.target"),
    "no rates": (["--model.network", "models.AttentionUNetASPP", "--model.network.rates", "[]"],
                 "rates is []", "1 or more"),
    "a size": (["--data.image_size", "[200,200]"], "height is 200", "192 or 208"),
    "counts": (["--data.split_sizes", "[100,2,3]"], "105 cases", "there are 14"),
    "a root": (["--data.root", "nowhere"], "error: data.root '/", "nowhere' is not a folder"),
    "devices": (["--trainer.devices", "3"], "data.batch_size is 4", "the 3 devices"),
    "many devices": (["--trainer.devices", "64"], "data.batch_size is 4", "the 64 devices"),
    "a callback": (["--trainer.callbacks+=EarlyStoping"], "is 'EarlyStoping'", "EarlyStopping"),
    "a logger": (["--trainer.logger", "CSVLoger"], "is 'CSVLoger'", "loggers.CSVLogger"),
    "a torch loss": (["--model.loss", "torch.nn.BCELos"], "is 'torch.nn.BCELos'", "BCELoss"),
    "a loss of exclusive classes": (["--model.loss", "torch.nn.CrossEntropyLoss"],
                                    "'torch.nn.CrossEntropyLoss', which", "data.target labels"),
    "a loss of probabilities": (["--model.loss", "torch.nn.BCELoss"], "between 0 and 1",
                                "torch.nn.BCEWithLogitsLoss"),
    "torch's plateau": (["--lr_scheduler", "torch.optim.lr_scheduler.ReduceLROnPlateau"],
                        "names no score", "use lightning.pytorch.cli.ReduceLROnPlateau"),
    "half precision": (["--trainer.precision", "16-true"], "eps (1e-08)", "use bf16-mixed"),
    "a mode": (["--best_checkpoint.mode", "min"], "val/dice is better when", "expected max"),
    "accelerator": (["--trainer.accelerator", "gpuu"], "gpuu", ""),
    "a batch of none": (["--data.batch_size", "0"], "data.batch_size is 0", "1 or more"),
    "a width of none": (["--model.network.init_args.widths", "[0,4]"], "is [0, 4]", "at least 1"),
    "no width": (["--data.image_size", "[32,0]"], "data.image_size is [32, 0]", "1 or more"),
    "a size below 0": (["--data.image_size", "[-32,32]"], "data.image_size is [-32, 32]", "1 or"),
    "a size beyond memory": (["--data.image_size", "[32,3200000000]"], "data.image_size", ""),
    "a huge size": (["--data.image_size", "[1000000,32]"], "image_size is [1000000, 32]", "4096"),
    "a huge width": (["--model.network.init_args.widths", "[4,1000000000000]"],
                     "model.network is models.UNet(widths=[4, 1000000000000])", "smaller widths"),
    "many cells": (["--model.network", "models.AttentionUNetSPP", "--model.network.sizes",
                    "[1000000000]"], "sizes is [1000000000]", "at most 256"),
    "many blocks": (["--model.network", "models.AttentionUNetASPP", "--model.network.blocks",
                     "1000000000"], "blocks is 1000000000", "0 (no ASPP) to 100"),
    "a huge rate": (["--optimizer.lr", "1e300"], "optimizer.init_args.lr is 1e+300", "at most"),
    "steps of no batch": (["--trainer.accumulate_grad_batches", "0"], "batches is 0", "1 to"),
    "huge steps": (["--trainer.accumulate_grad_batches", "1" + 30 * "0"], "is 1000", "2**63 - 1"),
    "no validation": (["--trainer.check_val_every_n_epoch", "0"], "n_epoch is 0", "1 to"),
    "bare bones": (["--trainer.barebones", "true"], "trainer.barebones is true", "expected false"),
    "no checkpoints": (["--trainer.enable_checkpointing", "false"], "checkpointing is false",
                       "expected true"),
    "two samplers": (["--trainer.devices", "2", "--trainer.use_distributed_sampler", "true"],
                     "use_distributed_sampler is true on 2 devices", "expected false"),
    "a missing package": (["--trainer.precision", "transformer-engine"], "transformer_engine", ""),
    "many workers": (["--data.num_workers", "20000"], "data.num_workers is 20000", "at most"),
    "a height": (["--data.image_size", "[40,32]"], "height is 40", "multiple of 16"),
    "modalities without brackets": (
        ["--data.modalities", "t1c,t2f"], "data.modalities is 't1c,t2f'", "a list such as [a,b]"
    ),
    "no modality": (["--data.modalities", "[]"], "error: data.modalities is empty", "at least one"),
    "no rate": (["--optimizer.lr", ".nan"], "optimizer.init_args.lr is nan", "a finite number"),
    "infinite": (["--optimizer.lr", ".inf"], "optimizer.init_args.lr is inf", "a finite number"),
    "a rate below 0": (["--optimizer.lr", "-1"], "optimizer.init_args.lr is -1", "above 0"),
    "a decay": (["--optimizer.weight_decay", ".nan"], "weight_decay is nan", "a finite number"),
    "a weight": (["--model.loss.dice_weight", ".nan"], "dice_weight is nan", "a finite number"),
    "fractions": (["--data.split_sizes", "[.nan,0.5,0.5]"], "split_sizes is nan", "finite"),
    "a cycle": (["--lr_scheduler.T_0", "0"], "lr_scheduler.init_args.T_0 is 0", "1 or more"),
    "workers": (["--data.num_workers", "-1"], "data.num_workers is -1", "0 or more"),
    "no slices": (["--data.slices", "[]"], "data.slices is []", "none below 0"),
    "a slice": (["--data.eval_slices", "[-1]"], "data.eval_slices is [-1]", "none below 0"),
    "a seed": (["--seed_everything", "-1"], "error: seed_everything is -1", "from 0"),
    "a split's seed": (["--data.split_seed", "-1"], "data.split_seed is -1", "0 or more"),
    "two folds": (["--data.folds", "2"], "data.folds is 2", "expected 3 or more"),
    "a fold too many": (["--data.folds", "5", "--data.fold", "5"], "data.fold is 5", "0 to 4"),
    "a fold of none": (["--data.fold", "1"], "data.fold is 1, but data.folds is null", "folds 5"),
    "folds of sizes": (["--data.folds", "5", "--data.split_sizes", "[8,3,3]"], "[8, 3, 3]", "one"),
    "folds without patients": (["--data.folds", "15"], "data.folds is 15", "patients, 14"),
    "a path for a name": (["--metrics_csv.filename", "../x.csv"], "is '../x.csv'", "a file name"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTYPED)
def test_a_mistake_is_one_line_with_what_was_expected(
    mistake: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, what, expected = MISTYPED[mistake]
    arguments = [*arguments, "--data.cache_dir", "new cache"]
    try:
        code: object = program("fit", *arguments)
    except SystemExit as end:
        code = end.code
    error = capsys.readouterr().err
    assert code == 2
    assert re.fullmatch(r"error: [^\n]+\n", error), error
    assert what in error
    assert expected in error
    assert not find_runs(Path("runs"))
    assert not Path("new cache").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("model: {netwrk: {class_path: models.UNet}}", "nearest: model.network"),
        ("lr: 0.1", "lr: unknown option; nearest: optimizer.init_args.lr"),
        ("model: [", "is not valid YAML"),
        ("just words", "is not a mapping"),
        (yaml_bomb(), "has more than 100000 values once its aliases are expanded"),
        ("[" * 20_000, "is nested more than 50 levels deep"),
        ("data: {seed: 3}", '"data.seed" must be given via "seed_everything"'),
    ],
)
def test_a_bad_config_is_one_line(
    content: str, words: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.yaml").write_text(content, "utf-8")
    try:
        code: object = program("fit", "--config", "mine.yaml")
    except SystemExit as end:
        code = end.code
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert words in error


DAMAGES = {
    ("config.yaml", "["): "config.yaml: is not valid YAML",
    ("config.yaml", yaml_bomb()): "config.yaml: has more than 100000 values",
    ("environment.json", '{"data": 3}'): "environment.json: data is 3, expected a mapping",
    ("environment.json", "\0"): "environment.json: Expecting value",
}


def test_commands_about_a_damaged_run_end_with_the_reason(
    program: Program, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    predict = ("predict", "--input", str(next(toy_root.iterdir())), "--output", "out")
    resume = ("fit", "--resume", str(run.path), "--trainer.max_epochs", "2")
    for (record, content), words in DAMAGES.items():
        whole = (run.path / record).read_text("utf-8")
        (run.path / record).write_text(content, "utf-8")
        for command in (("test", "--run", str(run.path)), predict, resume):
            capsys.readouterr()
            assert program(*command) == 2
            lines = capsys.readouterr().err.splitlines()
            (line,) = [line for line in lines if not line.startswith(("warning: ", "To resume: "))]
            assert line.startswith(f"error: {run.path}/{words}")
        (run.path / record).write_text(whole, "utf-8")


def test_a_real_process_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    done = start("fit", "--config", "unet_t1c.yaml", "--data.root", "nowhere", folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr == f"error: data.root '{tmp_path}/nowhere' is not a folder\n"
    assert list(tmp_path.iterdir()) == []


def test_the_environment_may_name_the_data(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_dataset(tmp_path / "other", 5)
    monkeypatch.setenv("BRATS_ROOT", str(other))
    assert program("fit", "--data.root", "null") == 0

    (run,) = find_runs(Path("runs"))
    assert yaml.safe_load(run.config.read_text("utf-8"))["data"]["root"] == str(other)
    assert len(run.split.read_text("utf-8").splitlines()) == 1 + 5


def test_test_and_predict_without_a_run_say_so(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["test"], ["validate"], ["predict", "--input", ".", "--output", "out"]):
        assert program(*arguments) == 2
        assert "no trained run found below 'runs'" in capsys.readouterr().err
    assert not Path("out").exists()


def test_an_unknown_run_names_the_nearest(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    capsys.readouterr()
    assert program("test", "--run", "unet_t2c") == 2
    assert "nearest: unet_t1c" in capsys.readouterr().err


def test_a_network_that_does_not_fit_the_weights_is_refused(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    capsys.readouterr()
    assert program("test", "--model.network.init_args.widths", "[4,4,4,4,16]") == 2
    assert "model.network is models.UNet(widths=[4, 4, 4, 4, 16])" in capsys.readouterr().err
    assert not find_runs(Path("runs"))[0].test().path.exists()


def test_test_takes_the_newest_run_and_run_names_another(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--trainer.max_epochs", "1") == 0
    assert program("fit", "--trainer.max_epochs", "1", experiment="aspp_t2w.yaml") == 0
    for arguments, tested in (([], "aspp_t2w"), (["--run", "unet_t1c"], "unet_t1c")):
        capsys.readouterr()
        assert program("test", *arguments) == 0
        assert f"/{tested}/" in capsys.readouterr().out


def test_flags_override_the_config_of_the_run(program: Program, tmp_path: Path) -> None:
    assert program("fit", "--data.batch_size", "3") == 0
    other = write_dataset(tmp_path / "other", 6)
    assert program("test", "--data.root", str(other)) == 0

    (run,) = find_runs(Path("runs"))
    folders = sorted(path.name for path in run.path.glob("test*"))
    assert len(folders) == 1
    assert re.fullmatch(r"test-[0-9a-f]{8}-[0-9a-f]{8}", folders[0])


def test_another_split_has_its_own_test_folder_and_warns_of_training_patients(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    assert program("test") == 0
    assert "optimistic" not in capsys.readouterr().out
    assert program("test", "--data.split_seed", "1") == 0
    assert "was trained, or its best epoch chosen, on 1 of 1 patient" in capsys.readouterr().out

    (run,) = find_runs(Path("runs"))
    assert len(list(run.path.glob("test*"))) == 2


def test_a_case_that_is_added_later_does_not_change_the_split(
    program: Program, tmp_path: Path
) -> None:
    root = write_dataset(tmp_path / "growing", 8)
    assert program("fit", "--data.root", str(root)) == 0
    (run,) = find_runs(Path("runs"))
    sides = [line.split(",") for line in run.split.read_text("utf-8").splitlines()]
    for number in range(20, 26):
        write_case(root, f"BraTS-GLI-{number:05d}-000", seed=number)
    assert program("test") == 0

    tested = {line.split(",")[0] for line in run.test().cases.read_text("utf-8").splitlines()[1:]}
    assert tested == {case for case, _, side in sides if side == "test"}


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--data.target", "core", "data.target is core, but "),
        ("--data.modalities", "[t2w]", "data.modalities is ['t2w'], but "),
        ("--model.network", "models.AttentionUNet", "model.network is models.AttentionUNet("),
    ],
)
def test_what_the_weights_were_trained_for_cannot_be_changed(
    option: str, value: str, words: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    capsys.readouterr()
    for command in (["test"], ["validate"], ["predict", "--input", ".", "--output", "out"]):
        assert program(*command, option, value) == 2
        assert words in capsys.readouterr().err


def test_a_config_in_test_names_the_experiment(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    for experiment in ("unet_t1c.yaml", "unet_t2w.yaml"):
        assert program("fit", experiment=experiment) == 0
    capsys.readouterr()
    assert main(["test", "--config", "unet_t1c.yaml"]) == 0
    assert "/unet_t1c/" in capsys.readouterr().out.splitlines()[0]


def test_a_damaged_checkpoint_is_one_line(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    run.best.write_bytes(run.best.read_bytes()[:2000])
    capsys.readouterr()
    assert program("test") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot be loaded" in error


@pytest.mark.filterwarnings("ignore:.*`tensorboardX` has been removed")  # Lightning's, of true
@pytest.mark.parametrize("logger", ["true", "CSVLogger"])
def test_another_logger_does_not_change_the_run_folder(logger: str, program: Program) -> None:
    flags = ["--trainer.logger", logger]
    if logger != "true":
        flags += ["--trainer.logger.save_dir", "runs/logs"]
    assert program("fit", *flags, "--trainer.log_every_n_steps", "1") == 0
    (run,) = find_runs(Path("runs"))
    assert run.best.is_file()
    assert program("test") == 0


def test_a_second_checkpoint_callback_is_accepted(program: Program) -> None:
    assert program("fit", "--trainer.callbacks+=ModelCheckpoint") == 0


def test_a_run_folder_that_cannot_be_made_is_one_line(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    assert program("fit", "--trainer.default_root_dir", "file") == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in error


def test_a_network_with_the_wrong_channels_is_refused_before_training(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--model.network", "torch.nn.BatchNorm2d", "--model.network.num_features", "1"]
    assert program("fit", *own, "--data.target", "regions") == 2
    assert "gives logits of size [1, 1, 32, 32]" in capsys.readouterr().err


def test_the_saved_config_gives_the_same_run(
    program: Program, toy_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRATS_ROOT", str(toy_root))
    assert program("fit", "--data.root", "null", "--data.split_seed", "3") == 0
    (first,) = find_runs(Path("runs"))
    monkeypatch.delenv("BRATS_ROOT")
    assert main(["fit", "--config", str(first.config), "--trainer.default_root_dir", "again"]) == 0
    (second,) = find_runs(Path("again"))

    one, two = (yaml.safe_load(run.config.read_text("utf-8")) for run in (first, second))
    assert one["trainer"].pop("default_root_dir") == "runs"
    assert two["trainer"].pop("default_root_dir") == "again"
    assert one == two
    assert first.split.read_bytes() == second.split.read_bytes()
    assert first.metrics.read_bytes() == second.metrics.read_bytes()


def test_configs_merge_in_order_and_flags_win(program: Program) -> None:
    Path("a.yaml").write_text("optimizer: {init_args: {lr: 0.5}}\ndata: {split_seed: 5}", "utf-8")
    Path("b.yaml").write_text("optimizer: {init_args: {lr: 0.25}}", "utf-8")
    flags = ["--config", "a.yaml", "--config", "b.yaml", "--lr_scheduler.T_0", "7"]
    assert program("fit", *flags) == 0

    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert config["optimizer"]["init_args"]["lr"] == 0.25
    assert config["data"]["split_seed"] == 5
    assert config["lr_scheduler"]["init_args"]["T_0"] == 7


def test_the_cycle_of_the_schedule_is_the_whole_training(program: Program) -> None:
    assert program("fit", "--trainer.max_epochs", "2") == 0

    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert config["lr_scheduler"]["init_args"]["T_0"] is None  # follows a change of max_epochs
    rates = [line.split(",")[2] for line in run.metrics.read_text("utf-8").splitlines()[1:]]
    assert [float(rate) for rate in rates] == pytest.approx([1e-3, 0.5e-3])


def test_a_user_may_add_callbacks_but_not_remove_ours(program: Program) -> None:
    flags = ["--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=val/dice"]
    assert program("fit", *flags) == 0

    (run,) = find_runs(Path("runs"))
    assert run.best.is_file()
    assert run.last.is_file()
    assert run.metrics.is_file()


def test_cases_without_a_modality_stop_or_are_left_out(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_dataset(tmp_path / "holes", 6)
    write_case(root, "BraTS-GLI-00009-000", names={"t2w": "-t2w", "seg": "-seg"})
    assert program("fit", "--data.root", str(root)) == 2
    assert "BraTS-GLI-00009-000: has no t1c image" in capsys.readouterr().err

    assert program("fit", "--data.root", str(root), "--data.on_bad_case", "skip") == 0
    assert "Bad cases left out: 1 (" in capsys.readouterr().err
    (run,) = find_runs(Path("runs"))
    assert "00009" not in run.split.read_text("utf-8")
    assert "00009" in run.environment.read_text("utf-8")


def test_two_trainings_in_one_process_have_different_folders(program: Program) -> None:
    assert program("fit") == 0
    assert program("fit") == 0
    assert len(find_runs(Path("runs"))) == 2


def test_validate_prints_the_score_of_the_best_epoch(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--trainer.max_epochs", "2") == 0
    best = re.search(r"Best epoch: \d+ of \d+, val/dice (\S+)", capsys.readouterr().out)
    assert best is not None
    assert program("validate") == 0
    output = capsys.readouterr().out
    assert f"val/dice: {best[1]}" in output
    table = dict(re.findall(r"^(\w+(?: \(\w+\))?) +(\d\.\d{3}|-) +higher$", output, re.MULTILINE))
    assert float(table["dice (pooled)"]) == pytest.approx(float(best[1]), abs=5e-4)
    assert table["empty_right"] == "-"  # every toy patient has a tumour in the middle slice
    assert "empty_right of whole is undefined (-)" in output
    assert "nan" not in output


def test_the_program_may_lie_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    folder = tmp_path / "re[po] é $x$ 'q'"
    for part in ("lightning_app", "data_modules", "callbacks", "models", "configs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(MAIN, folder)
    command = [sys.executable, "main.py", "prepare", "--data.root", "nowhere"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == f"error: data.root '{folder}/nowhere' is not a folder\n"
