"""Sets up logging: our messages and real warnings, without notes from the libraries."""

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from lightning_utilities.core.rank_zero import rank_zero_only

from lightning_app.utils.text import print_lines, printable

LIBRARIES = ("lightning.pytorch", "lightning.fabric")

# Warnings of libraries about what the program already handles.
NOISE = (
    r"`ArgumentParser\.instantiate_classes` .*deprecated",  # LightningCLI's call, not the user's
    r".*does not have many workers",  # batches come from a memory map: workers cost more
    r"This DataLoader will create \d+ worker processes",  # the data module names our option
    r"The number of training batches .* is smaller than the logging interval",  # we log epochs
    r"Checkpoint directory .* exists and is not empty",  # a test reads a trained run
    r"You're resuming from a checkpoint that ended before the epoch ended",  # ours resume there
    r".*`LeafSpec` .*deprecated",  # torch warns of lightning's code
    r"It is recommended to use .*sync_dist=True",  # all ranks compute the same from one table
    r"The `.*` property is deprecated",
    r"`SegmentationTask\.configure_optimizers` will be overridden",  # as the task's docstring says
    r"Glyph \d+ .*missing from",  # a picture shows a box for each letter of some case names
)


def configure_logging() -> None:
    """Set up logging for a command line run."""
    _ignore_noise()
    warnings.showwarning = _show_warning
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    ours = _StderrHandler()
    ours.setFormatter(_PrintableFormatter("%(message)s"))
    for package in ("data_modules", "callbacks", "lightning_app"):
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO if is_rank_zero() else logging.ERROR)
        logger.handlers = [ours]


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Leave out the notes of libraries for a while."""
    with warnings.catch_warnings(), loggers_at(logging.WARNING, LIBRARIES):
        _ignore_noise()
        yield


@contextmanager
def loggers_at(level: int, names: Sequence[str]) -> Iterator[None]:
    """Give loggers another level for a while."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, before in zip(loggers, levels, strict=True):
            logger.setLevel(before)


def _ignore_noise() -> None:
    for pattern in NOISE:
        warnings.filterwarnings("ignore", pattern)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that time: a progress bar replaces it while it is drawn.

    A message on the earlier one would appear within the line of the bar.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message."""
        self.stream = sys.stderr
        super().emit(record)


class _PrintableFormatter(logging.Formatter):
    """Shows control characters, which names of files and cases may bring in, in each line."""

    def format(self, record: logging.LogRecord) -> str:
        """The message and a traceback if there is one."""
        return "\n".join(map(printable, super().format(record).split("\n")))


def is_rank_zero() -> bool:
    """Whether this process is rank 0, the only one that prints."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


@rank_zero_only
def print_on_rank_zero(text: str) -> None:
    """Print a line, on rank 0 only."""
    print_lines(text)


@rank_zero_only
def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Print a warning in one line, without the source line that raised it."""
    print_lines(f"warning: {' '.join(str(message).split())}", file=sys.stderr)
