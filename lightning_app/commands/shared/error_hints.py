"""Explains what can fail in the middle of the work, and what to change."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from callbacks.nan_guard import NonFiniteLossError
from data_modules.brats import BraTSDataModule
from data_modules.utils.out_of_memory import is_out_of_memory
from lightning_app.runs.folder import Run
from lightning_app.utils.errors import UsageError


@contextmanager
def explained_failures(run: Run, batch_size: int, data: BraTSDataModule) -> Iterator[None]:
    """Turn a diverged loss, a lack of memory and a folder that is gone into a UsageError."""
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
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"out of memory ({reason}): lower --data.batch_size, which is {batch_size}, or "
            "--model.network.init_args.widths, or set --trainer.precision bf16-mixed"
        ) from error


def _explain_divergence(error: NonFiniteLossError, run: Run, data: BraTSDataModule) -> str:
    cases = ""
    if error.batch is not None:
        names = data.cases_of_batch(error.epoch, error.batch)
        cases = f"; the cases in it: {', '.join(names)}"
    saved = [shlex.quote(str(path)) for path in (run.last, run.best) if path.is_file()]
    remedy = f", from the weights before with --weights {saved[0]}" if saved else ""
    return f"{error}{cases}. Try a lower --optimizer.lr{remedy}"
