"""What a config may name without trust, and that none of it reaches further than it should."""

import importlib
import inspect
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch
import pytest
import torch
from lightning.fabric.plugins import CheckpointIO, ClusterEnvironment
from lightning.pytorch import Callback
from lightning.pytorch.accelerators import Accelerator
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins import LayerSync, Precision
from lightning.pytorch.profilers import Profiler
from lightning.pytorch.strategies import Strategy
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from lightning_app.config import allowed_classes
from lightning_app.config.allowed_classes import (
    EXCEPTIONS,
    LIGHTNING,
    import_path,
    reason_against,
)
from lightning_app.config.import_allowlist import IMPORTED
from lightning_app.config.named_objects import is_below
from lightning_app.runs.output_paths import _CHECKS
from tests.conftest import Program
from tests.helpers.paths import ROOT
from tests.lightning_app.config.test_import_allowlist import ending, write

BASES = (
    nn.Module, torch.optim.Optimizer, LRScheduler, Callback, Logger, Profiler, Strategy,
    Accelerator, Precision, LayerSync, ClusterEnvironment, CheckpointIO,
)  # fmt: skip
# What a config can give a class that is built here. Others need another package or a GPU.
_PARAMETERS = [nn.Parameter(torch.zeros(1))]
ARGUMENTS: dict[str, Any] = {
    "params": _PARAMETERS, "optimizer": torch.optim.SGD(_PARAMETERS, lr=0.1),
    "monitor": "val/dice", "save_dir": "runs", "swa_lrs": 0.1, "pruning_fn": "l1_unstructured",
    "batch_size_fn": len, "scheduling": {1: 2}, "precision": "bf16-mixed", "device": "cpu",
    "epoch_seconds": 1.0, "T_0": 2, "in_channels": 1, "out_channels": 1,
}  # fmt: skip
NOT_BUILT = {
    "BitsandbytesPrecision", "DeepSpeedPrecision", "DeviceStatsMonitor", "EMAWeightAveraging",
    "FSDPPrecision", "HalfPrecision", "KubeflowEnvironment", "LSFEnvironment", "MPIEnvironment",
    "SingleDeviceXLAStrategy", "TensorBoardLogger", "TransformerEnginePrecision",
    "XLAAccelerator", "XLAEnvironment", "XLAPrecision", "XLAStrategy",
}  # fmt: skip


def _modules() -> Iterator[Any]:
    """All modules from which a config can name something, as far as they can be imported."""
    for name in IMPORTED:
        package = importlib.import_module(name.removesuffix(".ReduceLROnPlateau"))
        yield package
        for found in pkgutil.walk_packages(
            getattr(package, "__path__", []), f"{package.__name__}."
        ):
            try:
                yield importlib.import_module(found.name)
            except (ImportError, RuntimeError, AttributeError):
                continue
            except FileNotFoundError:  # the example of an export reads the model beside it
                assert found.name == "lightning_app.export.templates.example"


@pytest.fixture(scope="module")
def nameable() -> list[type]:
    """Every class that jsonargparse finds by a path it may import."""
    classes: dict[type, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _modules():
            classes |= dict.fromkeys(filter(inspect.isclass, vars(module).values()))
    return [cls for cls in classes if is_below(import_path(cls), IMPORTED)]


@pytest.fixture(scope="module")
def allowed(nameable: list[type]) -> list[type]:
    return [cls for cls in nameable if reason_against(cls) is None]


def test_a_class_for_an_option_of_the_trainer_is_allowed_or_has_a_reason(
    nameable: list[type],
) -> None:
    """A class that a new version of Lightning adds is sorted by hand."""
    offered = {
        cls
        for package in ("callbacks", "loggers", "profilers", "strategies", "accelerators")
        for cls in vars(getattr(lightning.pytorch, package)).values()
        if inspect.isclass(cls) and issubclass(cls, BASES) and not inspect.isabstract(cls)
    }
    bases = {
        *BASES, Checkpoint, lightning.pytorch.callbacks.ProgressBar,
        lightning.pytorch.callbacks.BaseFinetuning,
        lightning.pytorch.callbacks.BasePredictionWriter,
        lightning.pytorch.strategies.ParallelStrategy,
    }  # fmt: skip
    refused = {cls for cls in offered - bases if reason_against(cls) is not None}
    # Stand-ins that only say which package is missing.
    stand_ins = {"HPU", "TPU"}
    refused = {cls for cls in refused if not any(word in cls.__name__ for word in stand_ins)}
    assert {import_path(cls) for cls in refused} <= {
        import_path(cls) for cls in allowed_classes._exceptions()
    }
    assert refused <= set(nameable)


@pytest.mark.parametrize("module", LIGHTNING)
def test_the_names_of_the_list_exist(module: str) -> None:
    here = importlib.import_module(module)
    assert [name for name in LIGHTNING[module] if not hasattr(here, name)] == []
    assert len(allowed_classes._exceptions()) == len(EXCEPTIONS)


@pytest.mark.parametrize(
    ("module", "base"),
    [
        (torch.optim, torch.optim.Optimizer),
        (torch.optim.lr_scheduler, LRScheduler),
        (nn, nn.Module),
    ],
)
def test_all_optimisers_schedules_losses_and_layers_of_torch_are_allowed(
    module: Any, base: type
) -> None:
    public = [
        cls
        for name, cls in vars(module).items()
        if not name.startswith("_") and inspect.isclass(cls) and issubclass(cls, base)
    ]
    assert len(public) > 10
    assert [cls for cls in public if reason_against(cls) is not None] == []


# The events of the interpreter behind writing, deleting, connecting and starting processes.
EVENTS = {
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "shutil.rmtree", "os.system", "os.fork", "os.forkpty", "os.exec", "os.spawn",
    "os.posix_spawn", "subprocess.Popen", "socket.connect", "socket.bind", "socket.sendto",
    "socket.getaddrinfo", "urllib.Request", "sqlite3.connect",
}  # fmt: skip
_seen: list[list[str]] = []  # the innermost list is filled


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _seen:
        return
    if event in EVENTS:
        _seen[-1].append(f"{event}{arguments!r}")
    if (
        event == "open"
        and isinstance(arguments[2], int)
        and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    ):
        _seen[-1].append(f"open for writing {arguments[0]!r}")


@pytest.fixture(scope="module", autouse=True)
def _hook() -> None:
    sys.addaudithook(_audit)  # stays, and does nothing outside observed()


@contextmanager
def observed() -> Iterator[list[str]]:
    _seen.append([])
    try:
        yield _seen[-1]
    finally:
        _seen.pop()


def build(cls: type) -> bool:
    """Build a class with simple arguments; whether that succeeded."""
    try:
        parameters = inspect.signature(cls).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty and p.kind not in {2, 4}]
        cls(**{name: ARGUMENTS.get(name, 1) for name in needed})
    except Exception:  # noqa: BLE001 (any reason)
        return False
    return True


def test_nothing_is_written_connected_started_or_deleted_by_building_an_allowed_class(
    allowed: list[type], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    events: dict[str, list[str]] = {}
    built = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cls in allowed:
            build(cls)  # imports what it needs
            with observed() as seen:
                if build(cls):
                    built.add(cls)
            if seen:
                events[import_path(cls)] = seen
    assert events == {}
    assert not list(tmp_path.iterdir())
    others = {
        cls for cls in allowed if issubclass(cls, BASES) and cls.__module__.startswith("lightning.")
    }
    assert {cls.__name__ for cls in others - built} <= NOT_BUILT
    assert len(built) > 200


def test_the_observation_sees_what_it_should(tmp_path: Path) -> None:
    with observed() as seen:
        (tmp_path / "file").write_text("x", "utf-8")
        (tmp_path / "file").unlink()
    assert [event.partition(" ")[0].partition("(")[0] for event in seen] == ["open", "os.remove"]


# Arguments whose names look like paths or addresses, and that are none.
HARMLESS = {
    "log_rank_zero_only", "logging_interval", "log_momentum", "log_weight_decay", "log_graph",
    "log_checkpoint", "filename", "name", "process_group_backend",
}  # fmt: skip
SUSPICIOUS = (
    "path", "dir", "file", "url", "uri", "host", "port", "address", "token", "key", "entity",
    "folder", "endpoint", "registry",
)  # fmt: skip


def test_every_argument_that_may_be_a_path_or_an_address_is_checked(allowed: list[type]) -> None:
    """An argument that a new version of a library adds needs a check, or an entry in HARMLESS."""
    checked = tuple(base for base, _ in _CHECKS)
    found = {
        f"{import_path(cls)}.{name}"
        for cls in allowed
        if issubclass(cls, BASES) and not issubclass(cls, checked)
        for name in inspect.signature(cls.__init__).parameters
        if any(word in name.split("_") or name.endswith(word) for word in SUSPICIOUS)
    }
    assert found - {f for f in found if f.rpartition(".")[2] in HARMLESS} == set()


# As a user meets it ------------------------------------------------------------------------------


REFUSED = {
    **{f"the logger {name}": {"logger": f"{name}"} for name in ("WandbLogger", "MLFlowLogger")},
    "a callback that writes": {
        "callbacks": {"class_path": "OnExceptionCheckpoint", "init_args": {"dirpath": "x"}}
    },
    "our own checkpoint callback": {"callbacks": "callbacks.checkpoints.LastCheckpoint"},
    "a recorder": {
        "callbacks": {
            "class_path": "lightning_app.runs.recorder.RunRecorder",
            "init_args": {
                "run": {"path": "x"},
                "save_config": "torch.nn.functional.relu",
                "network": "torch.nn.functional.relu",
            },
        }
    },
    "a plugin": {"plugins": "TorchCheckpointIO"},
    "a plugin in a plugin": {
        "strategy": {
            "class_path": "DDPStrategy",
            "init_args": {"checkpoint_io": "TorchCheckpointIO"},
        }
    },
    "a profiler by its short name": {"profiler": "xla"},
    "a strategy by its short name": {"strategy": "deepspeed_stage_3_offload_nvme"},
    "a function of ours": {
        "callbacks": {
            "class_path": "LambdaCallback",
            "init_args": {"setup": "callbacks.training_curves.draw_training"},
        }
    },
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_reaches_further_is_refused_with_the_trust_to_type(
    what: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = write("strange.yaml", {"trainer": REFUSED[what]})
    assert ending(program, "fit", "--config", strange) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("error: trainer.")
    assert "; only if you know what this config does with it, add --trust " in error
    assert not Path("runs").exists()


def test_a_run_that_names_what_is_no_longer_allowed_is_refused(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "lightning.pytorch.callbacks.SpikeDetection"
    alone = write("strange.yaml", {"trainer": {"callbacks": {"class_path": path}}})
    assert program("fit", "--config", alone, "--trust", path) == 0
    capsys.readouterr()
    assert ending(program, "test") == 2
    assert capsys.readouterr().err == (
        f"error: trainer.callbacks names '{path}', which writes to a path that a checkpoint may "
        f"name; only if you know what this config does with it, add --trust {path}\n"
    )


def test_our_own_modules_are_sorted() -> None:
    """A package of ours is the program or holds what users add; see OWN_PACKAGES and PROGRAM."""
    assert allowed_classes._modules_for_losses() == {
        "lightning_app.__init__", "lightning_app.losses", "lightning_app.schedules",
    }  # fmt: skip
    top = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert {"models", "callbacks"} <= top
