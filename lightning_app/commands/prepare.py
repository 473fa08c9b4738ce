"""The ``prepare`` command: read the data once, list what is wrong, describe the rest."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from callbacks.utils.unfinished import remove_leftovers
from data_modules.brats import BraTSDataModule
from data_modules.catalog.splits import SPLITS
from data_modules.summary import overview
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from lightning_app.commands.shared.data_cli import DataCLI
from lightning_app.commands.shared.session import run_session
from lightning_app.help import prepare
from lightning_app.results.plots import draw_batch
from lightning_app.utils.next_command import command_line
from lightning_app.utils.text import print_lines, printable
from lightning_app.utils.yaml_file import get_option, read_yaml

_NETWORK = {"--model", "--model.network", "--model.network.class_path"}  # options that name it
_WIDE = 10_000  # columns: a problem is a line, however long


def run(arguments: list[str]) -> int:
    """Prepare the data.

    Args:
        arguments: the options.

    Returns:
        The exit code: 0 the data are good, 1 there are bad cases, 2 the options do not fit them.
    """
    return run_session(_prepare, arguments)


class PrepareCLI(DataCLI):
    """Needs no network, and lists all bad cases instead of stopping at the first.

    Args:
        arguments: the options.
    """

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(
            # The options of fit need a network; a config may name another one.
            ["--model.network=models.UNet", *arguments],
            "prepare",
            prepare.PAGE.summary,
        )

    def before_instantiate_classes(self) -> None:
        """Skip bad cases, which are listed at the end."""
        super().before_instantiate_classes()
        self.skips = self.config.data.on_bad_case == "skip"
        self.config.data.on_bad_case = "skip"

    def names_network(self, arguments: Sequence[str]) -> bool:
        """Whether the arguments, or the configs that they name, say which network to train."""
        configs = [read_yaml(Path(config)) for config in self.config.config or []]
        typed = {word.partition("=")[0] for word in arguments}
        return not typed.isdisjoint(_NETWORK) or any(
            get_option(config, "model.network") for config in configs
        )


def _prepare(arguments: list[str]) -> int:
    cli = PrepareCLI(arguments)
    data = cli.datamodule
    failure = _failure(data.prepare_data)
    are_read = failure is None or data.read_unsplit()
    print_lines(*(f"Note: {remark}" for remark in data.remarks))
    if are_read or data.problems:
        _print_problems(data.problems, data.root)
    if failure is None:
        print_lines(*overview(data))
        print_lines(f"Picture: {_draw(data)}")
        failure = _failure(partial(data.check_stage, _stage(data)))
    if failure is not None:
        print_lines(f"error: {failure}", file=sys.stderr)
    else:
        _print_next(cli, arguments)
    if data.left_out:
        return 1
    return 0 if failure is None else 2


def _stage(data: BraTSDataModule) -> str:
    """What the data are for: without training cases they are test data."""
    return "fit" if data.splits["train"] else "test"


def _print_next(cli: PrepareCLI, arguments: Sequence[str]) -> None:
    """Print the command that trains, or tests, on the data as they were prepared."""
    if _stage(cli.datamodule) == "test":
        print_lines(f"Test the newest run on them: {command_line('test', *arguments)}")
        return
    network = [] if cli.names_network(arguments) else ["--config", "unet_t1c.yaml"]
    skip = ["--data.on_bad_case", "skip"] if cli.datamodule.left_out and not cli.skips else []
    purpose = "Train without the bad cases" if cli.datamodule.left_out else "Train on them"
    print_lines(f"{purpose}: {command_line('fit', *network, *arguments, *skip)}")


def _failure(step: Callable[[], None]) -> DataError | None:
    """The error at which a step stops; the bad cases are listed nevertheless."""
    try:
        step()
    except DataError as error:
        return error
    return None


def _print_problems(problems: Sequence[Problem], root: Path | None) -> None:
    """Print a line for each problem."""
    bad = {problem.case for problem in problems if not problem.is_warning}
    suspicious = {problem.case for problem in problems} - bad
    print(f"Bad cases: {len(bad)}. Further cases to look at: {len(suspicious)}.")
    table = Table(box=None, pad_edge=False)
    for column in ("", "case", "file", "problem", "remedy"):
        table.add_column(column, no_wrap=True)
    for problem in sorted(problems, key=lambda p: (p.case, p.is_warning, p.file)):
        severity = "warning" if problem.is_warning else "bad"
        file = _relative(problem.file, root)
        cells = (severity, problem.case, file, problem.what, problem.remedy)
        table.add_row(*map(printable, cells))
    if problems:
        Console(width=_WIDE, markup=False, emoji=False, highlight=False).print(table)


def _relative(file: str, root: Path | None) -> str:
    """A file's path relative to the root, if it lies below it."""
    path = Path(file)
    root = root and root.resolve()
    return str(path.relative_to(root)) if root and path.is_relative_to(root) else file


def _draw(data: BraTSDataModule) -> Path:
    """Draw the first batch, before and after augmentation if there is any.

    Without training cases it is one of another split, as stored.
    """
    split = next(split for split in SPLITS if data.splits[split])
    stored = next(iter(getattr(data, f"{split}_dataloader")()))
    batches = {"": stored}
    if split == "train" and data.augmentation.transforms:
        batches = {"\nas stored": stored, "\naugmented": data.augment(stored, epoch=0)}
    dataset = data.datasets[split]
    path = data.cache.folder / "pictures" / f"batch-{data.fingerprint}.png"
    titles = [
        f"{dataset.cases[dataset.case_index[sample]].id}, slice {dataset.slice_index[sample]}{way}"
        for sample in stored["sample"].tolist()
        for way in batches
    ]
    images, labels = (
        torch.stack([batch[name] for batch in batches.values()], dim=1).flatten(0, 1)
        for name in ("image", "labels")
    )
    masks = data.target.classes_of(labels).numpy()
    origin = f"First batch of split {split} ({data.source.in_words}): {', '.join(data.modalities)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    draw_batch(path, images.numpy(), masks, titles, data.target.class_names, origin)
    return path
