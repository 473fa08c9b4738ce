"""Explains what classes refuse and what can fail in the middle of the work."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException

from callbacks.gradient_check import NoGradientError
from callbacks.nan_guard import NonFiniteLossError
from data_modules.brats import BraTSDataModule
from data_modules.summary import cases_of_batch
from data_modules.utils.out_of_memory import is_out_of_memory
from data_modules.utils.process_pool import WORKER_KILLED
from lightning_app.config.diff import to_plain
from lightning_app.runs.compatibility import in_words
from lightning_app.runs.folder import Run
from lightning_app.utils.errors import UsageError

_SAME_CALLBACK = "Found more than one stateful callback"  # begins Lightning's error about them
_LOADER_WORKER = "DataLoader worker (pid"  # begins torch's error about a worker that has ended
_NOT_LOGGED = "Early stopping conditioned on metric"  # begins Lightning's error about a monitor
_TOO_RARE = "`val_check_interval` ("  # begins Lightning's error about too few training batches


@contextmanager
def explained_refusals(config: Namespace) -> Iterator[None]:
    """Turn what task, data and trainer refuse of their options into a UsageError."""
    try:
        yield
    except MisconfigurationException as error:  # does not name the option
        trainer = config.trainer
        raise UsageError(
            f"{' '.join(str(error).split())} trainer.accelerator is {trainer.accelerator}, "
            f"trainer.devices is {trainer.devices}"
        ) from error
    except (ValueError, TypeError, ModuleNotFoundError) as error:
        raise UsageError(" ".join(str(error).split())) from error
    except (RuntimeError, MemoryError) as error:
        if str(error).startswith(_SAME_CALLBACK):
            reason = str(error).split(". ")[0]
            raise UsageError(f"trainer.callbacks: {reason}: leave one of them out") from error
        if not is_out_of_memory(error):
            raise
        network = in_words(to_plain(config.model.network))
        raise UsageError(
            f"model.network is {network}: {str(error).splitlines()[0]}; choose smaller widths"
        ) from error


@contextmanager
def explained_failures(run: Run, batch_size: int, data: BraTSDataModule) -> Iterator[None]:
    """Turn what can be explained to the user into a UsageError."""
    try:
        yield
    except FileNotFoundError as error:
        if run.path.is_dir():
            raise
        raise UsageError(
            f"the run's folder '{run.path}' is gone: it was moved or deleted while the command "
            "worked in it; name its new place with --resume or --run"
        ) from error
    except NonFiniteLossError as error:
        raise UsageError(_explain_divergence(error, run, data)) from error
    except NoGradientError as error:
        raise UsageError(
            f"{error}, so nothing can be learned: change model.loss, or unfreeze the network"
        ) from error
    except MisconfigurationException as error:  # such as a monitor that nothing logs
        raise UsageError(" ".join(str(error).split())) from error
    except ValueError as error:
        if _TOO_RARE not in str(error):
            raise
        raise UsageError(f"trainer.val_check_interval: {' '.join(str(error).split())}") from error
    except (RuntimeError, MemoryError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        if _LOADER_WORKER in reason:
            raise UsageError(
                f"{WORKER_KILLED} ({reason}): free some, or lower --data.num_workers, which is "
                f"{data.num_workers}"
            ) from error
        if reason.startswith(_NOT_LOGGED):
            raise UsageError(reason) from error
        if not is_out_of_memory(error):
            raise
        raise UsageError(
            f"out of memory ({reason}): lower --data.batch_size, which is {batch_size}, or "
            "--model.network.init_args.widths, or set --trainer.precision bf16-mixed"
        ) from error


def _explain_divergence(error: NonFiniteLossError, run: Run, data: BraTSDataModule) -> str:
    cases = ""
    if error.batch is not None:
        names = cases_of_batch(data, error.epoch, error.batch)
        cases = f"; the cases in it: {', '.join(names)}"
    saved = [shlex.quote(str(path)) for path in (run.last, run.best) if path.is_file()]
    remedy = f", from the weights before with --weights {saved[0]}" if saved else ""
    return f"{error}{cases}. Try a lower --optimizer.lr{remedy}"
