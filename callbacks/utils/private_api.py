"""Private attributes of Lightning and PyTorch that have no public equivalent."""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.plugins import ClusterEnvironment
from lightning.pytorch import Trainer
from torch import nn


def cluster_environment(trainer: Trainer) -> ClusterEnvironment | None:
    """The environment from which Lightning decides whether to requeue a job.

    Only strategies for several devices have a public ``cluster_environment``.
    """
    return trainer._accelerator_connector.cluster_environment  # noqa: SLF001


@contextmanager
def compiled(network: nn.Module, mode: str | None) -> Iterator[None]:
    """Compile a network in place, so that its weights keep their names, and undo it at the end.

    ``nn.Module.compile`` has no public counterpart that undoes it.
    """
    before = network._compiled_call_impl  # noqa: SLF001
    network.compile(mode=mode)
    try:
        yield
    finally:
        network._compiled_call_impl = before  # noqa: SLF001
