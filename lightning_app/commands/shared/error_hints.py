"""What can go wrong in the middle of the work, in words that say what to change."""

from collections.abc import Iterator
from contextlib import contextmanager

from callbacks.nan_guard import NonFiniteLossError
from data_modules.brats import BraTSDataModule
from data_modules.utils.out_of_memory import is_out_of_memory
from lightning_app.runs.folder import Run
from lightning_app.utils.errors import UsageError


@contextmanager
def failures_in_words(run: Run, batch_size: int, data: BraTSDataModule) -> Iterator[None]:
    """Turn a divergence and want of memory into a UsageError."""
    try:
        yield
    except NonFiniteLossError as error:
        raise UsageError(_divergence(error, run, data)) from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise UsageError(
            f"out of memory ({_first_line(error)}): lower --data.batch_size, which is "
            f"{batch_size}, or --model.network.init_args.widths, or set --trainer.precision "
            "bf16-mixed"
        ) from error


def _first_line(error: BaseException) -> str:
    """Of what an error says; its name where it says nothing, as MemoryError may."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _divergence(error: NonFiniteLossError, run: Run, data: BraTSDataModule) -> str:
    cases = ""
    if error.batch is not None:
        names = data.cases_of_batch(error.epoch, error.batch)
        cases = f"; the cases in it: {', '.join(names)}"
    saved = [path for path in (run.last, run.best) if path.is_file()]
    remedy = f", from the weights before with --weights {saved[0]}" if saved else ""
    return f"{error}{cases}. Try a lower --optimizer.lr{remedy}"
