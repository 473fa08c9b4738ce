"""The classes and functions that a config may name without ``--trust``.

What is built from them connects to no address that a config names, reads no file that it names, and
writes and deletes only in the folders of runs and cache. ``runs/output_paths.py`` checks the
arguments of those that would otherwise write elsewhere.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.callbacks.finetuning import multiplicative
from lightning.pytorch.profilers import XLAProfiler
from lightning.pytorch.strategies import StrategyRegistry
from torch import nn

# A network, an augmentation or a callback is added as a module of these packages, and is then the
# user's own code.
OWN_PACKAGES = ("models", "callbacks", "data_modules.augmentation")
# A loss or a schedule is added as a module of lightning_app itself. Its packages and these modules
# are the program, which does what it was not built for if a config gives it arguments.
PROGRAM = ("lightning_app.cli", "lightning_app.task")

LIGHTNING = {
    "lightning.pytorch.accelerators": (
        "CPUAccelerator", "CUDAAccelerator", "MPSAccelerator", "XLAAccelerator",
    ),
    "lightning.pytorch.callbacks": (
        "BackboneFinetuning", "BatchSizeFinder", "DeviceStatsMonitor", "EarlyStopping",
        "EMAWeightAveraging", "GradientAccumulationScheduler", "LambdaCallback",
        "LearningRateFinder", "LearningRateMonitor", "ModelCheckpoint", "ModelPruning",
        "ModelSummary", "RichModelSummary", "RichProgressBar", "StochasticWeightAveraging",
        "ThroughputMonitor", "Timer", "TQDMProgressBar", "WeightAveraging",
    ),
    "lightning.pytorch.cli": ("ReduceLROnPlateau",),
    "lightning.pytorch.loggers": ("CSVLogger", "TensorBoardLogger"),
    "lightning.pytorch.plugins": (
        "BitsandbytesPrecision", "DeepSpeedPrecision", "DoublePrecision", "FSDPPrecision",
        "HalfPrecision", "MixedPrecision", "Precision", "TorchSyncBatchNorm",
        "TransformerEnginePrecision", "XLAPrecision",
    ),
    # These take their addresses from the environment of the job, never from a config.
    "lightning.fabric.plugins.environments": (
        "KubeflowEnvironment", "LightningEnvironment", "LSFEnvironment", "MPIEnvironment",
        "SLURMEnvironment", "TorchElasticEnvironment", "XLAEnvironment",
    ),
    "lightning.pytorch.profilers": (
        "AdvancedProfiler", "PassThroughProfiler", "PyTorchProfiler", "SimpleProfiler",
    ),
    "lightning.pytorch.strategies": (
        "DDPStrategy", "FSDPStrategy", "ModelParallelStrategy", "SingleDeviceStrategy",
        "SingleDeviceXLAStrategy", "XLAStrategy",
    ),
}  # fmt: skip

_ADDRESS = "sends data to an address that a config may name"
_WRITES = "writes to a path that a config may name"
# Classes for the same options that are not among those above.
EXCEPTIONS = {
    "lightning.pytorch.loggers.CometLogger": _ADDRESS,
    "lightning.pytorch.loggers.LitLogger": _ADDRESS,
    "lightning.pytorch.loggers.MLFlowLogger": _ADDRESS,
    # Its settings also name a file whose content W&B sends as a token.
    "lightning.pytorch.loggers.WandbLogger": _ADDRESS,
    "lightning.pytorch.profilers.XLAProfiler": "opens a port that a config may name",
    # It also deletes the file of that name at the end.
    "lightning.pytorch.callbacks.OnExceptionCheckpoint": _WRITES,
    # The path in its saved state replaces that of the config.
    "lightning.pytorch.callbacks.SpikeDetection": "writes to a path that a checkpoint may name",
    "lightning.pytorch.strategies.DeepSpeedStrategy": (
        "reads its config from, and moves weights to, paths that a config may name"
    ),
    # Checkpoints would be written without our checks of what is removed and of what is loaded.
    "lightning.pytorch.plugins.AsyncCheckpointIO": "reads and removes checkpoints without checks",
    "lightning.pytorch.plugins.TorchCheckpointIO": "reads and removes checkpoints without checks",
    "lightning.pytorch.plugins.XLACheckpointIO": "reads and removes checkpoints without checks",
    "callbacks.checkpoints.LastCheckpoint": _WRITES,
    "callbacks.graceful_stop.GracefulStop": _WRITES,
}


def reason_against(named: Any) -> str | None:
    """Why a config may not name a class or function without trust; None if it may.

    Args:
        named: a class or function.
    """
    if named in _exceptions():
        return _exceptions()[named]
    if named in _library_classes() or named in _library_functions():
        return None
    is_method = inspect.isroutine(named) and "." in named.__qualname__
    if _is_own(named) and not is_method:
        return None
    return "is not among the classes and functions that a config may name"


def import_path(named: Any) -> str:
    """Where a class or function is defined."""
    return f"{named.__module__}.{named.__qualname__}"


def registered_classes(option: str) -> dict[str, type]:
    """The classes that Lightning builds for a string in an option, by that string."""
    match option:
        case "trainer.accelerator":
            return {name: entry["accelerator"] for name, entry in AcceleratorRegistry.items()}
        case "trainer.profiler":  # the other names are those of classes that are allowed
            return {"xla": XLAProfiler}
        case "trainer.strategy":
            return {name: entry["strategy"] for name, entry in StrategyRegistry.items()}
    return {}


def _is_own(named: Any) -> bool:
    module = str(named.__module__)
    if module.partition(".")[0] == "lightning_app":
        return module in _modules_for_losses()
    # A function of callbacks/ may write a file whose path it is given.
    packages = OWN_PACKAGES if inspect.isclass(named) else set(OWN_PACKAGES) - {"callbacks"}
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


@cache
def _modules_for_losses() -> frozenset[str]:
    folder = Path(__file__).parents[1]
    return frozenset(f"lightning_app.{path.stem}" for path in folder.glob("*.py")) - set(PROGRAM)


@cache
def _library_classes() -> frozenset[type]:
    return frozenset(
        [
            *_public(nn, nn.Module),
            *_public(torch.optim, torch.optim.Optimizer),
            *_public(torch.optim.lr_scheduler, torch.optim.lr_scheduler.LRScheduler),
            torch.optim.swa_utils.AveragedModel,
            *_named((f"{module}.{name}" for module, names in LIGHTNING.items() for name in names)),
        ]
    )


@cache
def _library_functions() -> frozenset[Any]:
    functional = vars(nn.functional)
    public = (functional[name] for name in functional if not name.startswith("_"))
    return frozenset(filter(inspect.isroutine, public)) | {multiplicative}


@cache
def _exceptions() -> dict[Any, str]:
    return {cls: EXCEPTIONS[path] for path in EXCEPTIONS for cls in _named(iter([path]))}


def _public(module: Any, base: type) -> Iterator[type]:
    for name, member in vars(module).items():
        if inspect.isclass(member) and issubclass(member, base) and not name.startswith("_"):
            yield member


def _named(paths: Iterator[str]) -> Iterator[type]:
    """The classes of some paths, without those that another version of a library lacks."""
    for path in paths:
        module, _, name = path.rpartition(".")
        if cls := getattr(import_module(module), name, None):
            yield cls
