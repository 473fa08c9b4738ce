"""Which classes a config may name: those of the program, its libraries, and trusted modules."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import yaml

from lightning_app.cli import main
from lightning_app.commands import reproduce
from lightning_app.config.import_allowlist import SETTINGS_VARIABLE, settings_file, trusted_names
from lightning_app.runs.folder import find_runs
from lightning_app.utils.private_api import parsing_settings
from tests.conftest import Program

MODULE = "strange_networks"
SOURCE = """
from pathlib import Path
from models import UNet
Path({mark!r}).touch()

class Net(UNet):
    pass

def function(*arguments):
    Path({mark!r}).touch()
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that exists as soon as the untrusted module has been imported."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path = tmp_path / "its code ran"
    (folder / f"{MODULE}.py").write_text(SOURCE.format(mark=str(path)), "utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv(SETTINGS_VARIABLE, str(tmp_path / "settings.yaml"))
    yield path
    sys.modules.pop(MODULE, None)


def ending(program: Program, *arguments: str) -> int:
    try:
        return program(*arguments)
    except SystemExit as end:
        return int(str(end.code))


def write(name: str, content: Any) -> str:
    Path(name).write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return name


NET = {"class_path": f"{MODULE}.Net"}
CALLBACK = "LambdaCallback"
CHECKPOINT_IO = "lightning.pytorch.plugins.TorchCheckpointIO"


def as_callback(call: Any) -> dict[str, Any]:
    return {
        "trainer": {"callbacks": [{"class_path": CALLBACK, "init_args": {"on_fit_start": call}}]}
    }


FLAGS = {
    "a network": ["--model.network", f"{MODULE}.Net"],
    "a mapping": ["--model", json.dumps({"network": NET})],
    "a loss": ["--model.loss", f"{MODULE}.Net"],
    "an optimiser": ["--optimizer", f"{MODULE}.Net"],
    "a schedule": ["--lr_scheduler", f"{MODULE}.Net"],
    "a callback": [f"--trainer.callbacks+={MODULE}.Net"],
    "a logger": ["--trainer.logger", f"{MODULE}.Net"],
    "a plugin": ["--trainer.plugins", f"{MODULE}.Net"],
    "help": ["--model.network.help", f"{MODULE}.Net"],
}
CONFIGS: dict[str, Any] = {
    "a network": {"model": {"network": NET}},
    "a network's name": {"model": {"network": f"{MODULE}.Net"}},
    "a callback": {"trainer": {"callbacks": [NET]}},
    "one more callback": {"trainer": {"callbacks+": NET}},
    "a function": as_callback(f"{MODULE}.function"),
    "a class in a class": {
        "model": {
            "loss": {
                "class_path": "torch.nn.TripletMarginWithDistanceLoss",
                "init_args": {"distance_function": f"{MODULE}.function"},
            }
        }
    },
    "a file for the network": {"model": {"network": "net.yaml"}},
    "a file for a group": {"model": "model.yaml"},
    "trust in the config": {"trust": [MODULE], "model": {"network": NET}},
}


@pytest.mark.parametrize("way", FLAGS)
def test_an_untrusted_class_in_a_flag_is_refused_before_its_import(
    way: str, program: Program, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(program, "fit", *FLAGS[way]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith(f"only if you know its code, add --trust {MODULE}\n")
    assert not mark.exists()
    assert not find_runs(Path("runs"))


@pytest.mark.parametrize("way", CONFIGS)
def test_an_untrusted_class_in_a_config_is_refused_before_its_import(
    way: str, program: Program, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("net.yaml", NET)
    write("model.yaml", {"network": NET})
    assert ending(program, "fit", "--config", write("strange.yaml", CONFIGS[way])) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith(f"only if you know its code, add --trust {MODULE}\n")
    assert not mark.exists()


ATTACKS = {
    "a shell": as_callback("os.system"),
    "a shell through the stack": as_callback("lightning.pytorch.callbacks.checkpoint.os.system"),
    "a shell through the program": as_callback("lightning_app.commands.fit.os.system"),
    "pickle": as_callback("lightning_app.runs.checkpoint_io.torch.load"),
    "NumPy's pickle": as_callback("data_modules.cache.slice_cache.np.load"),
    "deletion": as_callback("data_modules.cache.slice_cache.shutil.rmtree"),
    "a partial": as_callback({"class_path": "functools.partial", "init_args": {"func": "print"}}),
    "the rules of the parser": as_callback("jsonargparse.set_parsing_settings"),
    "torch.hub": {
        "model": {"network": {"class_path": "torch.hub.load", "init_args": {"model": "x"}}}
    },
    "a pickled network": {"model": {"network": "torch.jit.load"}},
    "Lightning's loader": {
        "model": {"network": "lightning_app.task.SegmentationTask.load_from_checkpoint"}
    },
    "Lightning's importer": as_callback("lightning.pytorch.cli.instantiate_class"),
    # jsonargparse calls a function under class_path with any arguments.
    "the program itself": as_callback(
        {
            "class_path": "lightning_app.commands.fit.run",
            "init_args": {
                "arguments": ["--trust", MODULE, "--model.network", f"{MODULE}.Net"]
            },
        }
    ),
    "the program's writers": as_callback(
        {
            "class_path": "lightning_app.utils.json_csv.write_json",
            "init_args": {"path": "its code ran", "content": {}},
        }
    ),
    "a reader of pickles": as_callback(
        {
            "class_path": f"{CHECKPOINT_IO}.load_checkpoint",
            "init_args": {"self": 1, "path": "x.ckpt", "weights_only": False},
        }
    ),
    "a method": {
        "trainer": {
            "callbacks": [
                {
                    "class_path": CALLBACK,
                    "init_args": {"setup": f"{CHECKPOINT_IO}.save_checkpoint"},
                }
            ]
        }
    },
    "a function that opens files": as_callback("torch.nn.functional.torch.from_file"),
    "a YAML tag": "model: !!python/object/apply:os.system ['touch \"its code ran\"']",
    "a YAML tag in a file": {"model": {"network": "tagged.yaml"}},
    "trust alone": {"trust": [MODULE]},
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_allowed_names_do_not_lead_to_other_code(
    attack: str, program: Program, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("tagged.yaml", "!!python/object/apply:os.system ['touch \"its code ran\"']")
    assert ending(program, "fit", "--config", write("strange.yaml", ATTACKS[attack])) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("error: ")
    assert not mark.exists()
    assert not find_runs(Path("runs"))


@pytest.mark.parametrize("command", ["prepare", "reproduce"])
@pytest.mark.parametrize("what", [*CONFIGS, "a shell through the program", "the program itself"])
def test_prepare_and_reproduce_read_configs_as_strictly_as_fit(
    command: str,
    what: str,
    program: Program,
    mark: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reproduce, "execute", _nothing_is_executed)
    write("net.yaml", NET)
    write("model.yaml", {"network": NET})
    strange = write("strange.yaml", {**CONFIGS, **ATTACKS}[what])
    assert ending(program, command, "--config", "toy.yaml", "--config", strange) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("error: ")
    assert not mark.exists()


def _nothing_is_executed(*arguments: str) -> int:
    raise AssertionError(arguments)


@pytest.mark.parametrize("command", ["prepare", "reproduce"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--config", "strange.yaml"], "a config says trust: ['os']"),
        (["--optimizer.lr", ".nan"], "optimizer.init_args.lr is nan, expected a finite number"),
    ],
)
def test_prepare_and_reproduce_refuse_what_fit_refuses(
    command: str,
    options: list[str],
    words: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reproduce, "execute", _nothing_is_executed)
    write("strange.yaml", {"trust": ["os"]})
    assert ending(program, command, "--config", "toy.yaml", *options) == 2
    assert words in capsys.readouterr().err


def test_configs_are_read_only_from_this_machine(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    with fsspec.open("memory://net.yaml", "w") as file:
        file.write("class_path: models.AttentionUNet")
    assert ending(program, "fit", "--model.network", "memory://net.yaml") == 2
    assert "memory://net.yaml" in capsys.readouterr().err


def test_a_users_network_needs_trust_in_every_command(
    program: Program, toy_root: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = ["--trust", MODULE]
    own = ["--model.network", f"{MODULE}.Net"]
    assert program("fit", *own, *trust) == 0
    assert mark.exists()
    (run,) = find_runs(Path("runs"))
    assert "trust" not in yaml.safe_load(run.config.read_text("utf-8"))
    case = str(next(toy_root.iterdir()))
    again = [
        ["fit", "--resume", str(run.path), "--trainer.max_epochs", "2"],
        ["validate", "--run", str(run.path)],
        ["test", "--run", str(run.path)],
        ["predict", "--input", case, "--output", "out"],
        ["fit", "--config", str(run.config)],
    ]
    for command in again:
        mark.unlink()
        sys.modules.pop(MODULE)
        capsys.readouterr()
        assert ending(program, *command) == 2
        assert capsys.readouterr().err.endswith(f"add --trust {MODULE}\n")
        assert not mark.exists()
        assert program(*command, *trust) == 0
        assert mark.exists()


def test_prepare_accepts_trust(program: Program, mark: Path) -> None:
    own = ["--model.network", f"{MODULE}.Net", "--trust", MODULE]
    assert program("prepare", *own) == 0
    assert mark.exists()


def test_reproduce_passes_trust_to_fit_and_test(
    program: Program, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def execute(*arguments: str) -> int:
        made.append(arguments[0])
        return 0 if arguments[0] == "report" else main(list(arguments))

    monkeypatch.setattr(reproduce, "execute", execute)
    own = ["--model.network", f"{MODULE}.Net", "--trust", MODULE]
    command = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml", *own]
    assert main(command) == 0
    assert mark.exists()
    assert made == ["fit", "test", "report"]
    (run,) = find_runs(Path("runs"))
    assert run.test().metrics.is_file()
    assert main(command) == 0
    assert made[3:] == ["report"]


def test_the_settings_file_trusts_in_every_command(program: Program, mark: Path) -> None:
    write("settings.yaml", {"trust": [MODULE]})
    assert program("fit", "--model.network", f"{MODULE}.Net") == 0
    assert program("test") == 0
    assert mark.exists()


def test_settings_are_not_read_from_the_working_folder(
    program: Program, mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTINGS_VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    write("settings.yaml", {"trust": [MODULE]})
    Path("brats-lightning").mkdir()
    write("brats-lightning/settings.yaml", {"trust": [MODULE]})
    assert ending(program, "fit", "--model.network", f"{MODULE}.Net") == 2
    assert not mark.exists()
    assert settings_file().is_absolute()
    assert settings_file().parts[-2:] == ("brats-lightning", "settings.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("trust: [", "is not valid YAML"),
        ("- monai", "expected trust: [NAME]"),
        ("trusts: [monai]", "expected trust: [NAME]"),
        ("trust: monai", "is 'monai', expected a list"),
        ("trust: ['*']", "is '*', expected the dotted name"),
        ("trust: [3]", "is '3', expected the dotted name"),
    ],
)
def test_a_bad_settings_file_is_one_line(
    content: str, words: str, program: Program, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("settings.yaml", content)
    assert ending(program, "fit") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
    assert not mark.exists()


@pytest.mark.parametrize("name", ["*", "a b", "os;", ".os", "jsonargparse", "jsonargparse.x"])
def test_trust_accepts_only_dotted_names(
    name: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(program, "fit", f"--trust={name}") == 2
    assert f"--trust is '{name}', expected the dotted name" in capsys.readouterr().err


def test_trust_may_be_given_several_times(mark: Path) -> None:
    assert not mark.exists()
    assert trusted_names(["fit", "--trust", "one", "--x", "1", "--trust=two.three"]) == [
        "one", "two.three",
    ]  # fmt: skip


def test_trust_ends_with_the_command(program: Program, mark: Path) -> None:
    before = dict(parsing_settings)
    assert program("fit", "--model.network", f"{MODULE}.Net", "--trust", MODULE) == 0
    assert dict(parsing_settings) == before
    assert ending(program, "fit", "--model.network", f"{MODULE}.Net") == 2
    assert mark.exists()


def test_classes_of_the_libraries_need_no_trust(program: Program) -> None:
    flags = [
        "--trainer.callbacks+=lightning.pytorch.callbacks.EarlyStopping",
        "--trainer.callbacks.monitor=val/dice", "--trainer.callbacks+=LearningRateMonitor",
        "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "runs/logs",
        "--trainer.profiler", "SimpleProfiler", "--trainer.strategy", "SingleDeviceStrategy",
        "--trainer.strategy.device", "cpu", "--model.loss", "torch.nn.BCEWithLogitsLoss",
        "--optimizer", "torch.optim.SGD", "--optimizer.lr", "0.1",
        "--lr_scheduler", "torch.optim.lr_scheduler.StepLR", "--lr_scheduler.step_size", "1",
        "--trainer.log_every_n_steps", "1",
    ]  # fmt: skip
    assert program("fit", *flags) == 0
    assert program("test") == 0
