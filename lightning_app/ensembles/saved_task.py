"""Builds the task of a saved run."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from jsonargparse import Namespace

from data_modules.brats import BraTSDataModule
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
    trusted = trusted_names([f"--trust={name}" for name in trust])
    saved = run_config(run)
    with restrict_imports(trusted):
        try:
            options = _parsed({key: saved[key] for key in _NEEDED if key in saved})
            check_named(options, trusted)
            return _built(options)
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
