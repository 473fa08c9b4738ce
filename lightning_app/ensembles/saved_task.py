"""Builds the task of a saved run."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from jsonargparse import Namespace

from data_modules.brats import BraTSDataModule
from lightning_app.config.diff import to_plain
from lightning_app.config.import_allowlist import check_named, restrict_imports, trusted_names
from lightning_app.config.linked_arguments import add_links
from lightning_app.config.parser import ExperimentParser
from lightning_app.runs.folder import Run, run_config
from lightning_app.task import SegmentationTask
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import raising_parser
from lightning_app.utils.weight_limit import WeightLimit

_NEEDED = ("seed_everything", "model", "data")  # the options from which the task's options follow


def build_task(run: Run, trust: Sequence[str]) -> SegmentationTask:
    """The task of a run, with new weights.

    Args:
        run: its config names network, loss and target.
        trust: modules and classes that it may name besides those of the program.

    Raises:
        UsageError: the config is damaged, or names classes that are not trusted.
    """
    with _checked_options(run, trust) as options:
        return _built(options)


def network_options(run: Run, trust: Sequence[str]) -> dict[str, Any]:
    """The class_path and the init_args of a run's network, with its channels.

    Raises:
        UsageError: as ``build_task`` does.
    """
    with _checked_options(run, trust) as options:
        network: dict[str, Any] = to_plain(options.model.network)
        return network


@contextmanager
def _checked_options(run: Run, trust: Sequence[str]) -> Iterator[Namespace]:
    """The options of a run's task, which may be built within. Raises as ``build_task`` does."""
    trusted = trusted_names([f"--trust={name}" for name in trust])
    saved = run_config(run)
    with restrict_imports(trusted):
        try:
            options = _parsed({key: saved[key] for key in _NEEDED if key in saved})
            check_named(options, trusted)
            yield options
        except (argparse.ArgumentError, ValueError, TypeError, MemoryError) as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"{run.config}: {reason}") from error


def _parsed(options: Mapping[str, Any]) -> Namespace:
    parser = ExperimentParser()
    parser.add_argument("--seed_everything", type=int)
    parser.add_lightning_class_args(SegmentationTask, "model")
    parser.add_lightning_class_args(BraTSDataModule, "data")
    add_links(parser)
    with raising_parser(parser):
        parsed: Namespace = parser.parse_object(dict(options))
    return parsed


def _built(options: Namespace) -> SegmentationTask:
    parser = ExperimentParser()
    parser.add_lightning_class_args(SegmentationTask, "model")
    with WeightLimit():
        task: SegmentationTask = parser.instantiate_classes(Namespace(model=options.model)).model  # type: ignore[no-untyped-call]
    return task
