"""Private attributes of Python, Lightning, PyTorch and W&B that have no public equivalent."""

import atexit
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lightning.fabric.plugins import ClusterEnvironment
from lightning.pytorch import Trainer
from torch import nn


def run_exit_functions() -> None:
    """Call what was registered with ``atexit``, which processes of multiprocessing leave out."""
    atexit._run_exitfuncs()  # noqa: SLF001


def cluster_environment(trainer: Trainer) -> ClusterEnvironment | None:
    """The environment from which Lightning decides whether to requeue a job.

    Only strategies for several devices have a public ``cluster_environment``.
    """
    return trainer._accelerator_connector.cluster_environment  # noqa: SLF001


@contextmanager
def call_replaced(network: nn.Module, call: Callable[..., Any] | None) -> Iterator[None]:
    """Let calls of a module, hooks included, go through a function; None for the module's own.

    Its weights keep their names. ``nn.Module.compile`` does the same, but has no public counterpart
    that undoes it.
    """
    before = network._compiled_call_impl  # noqa: SLF001
    network._compiled_call_impl = call  # noqa: SLF001
    try:
        yield
    finally:
        network._compiled_call_impl = before  # noqa: SLF001


def plain_call(network: nn.Module) -> Callable[..., Any]:
    """The call of a module, hooks included, whatever it is replaced by."""
    call: Callable[..., Any] = network._call_impl  # noqa: SLF001
    return call


@contextmanager
def without_launch_inputs() -> Iterator[None]:
    """Let W&B open a run without importing its code for launched jobs, nearly a second of CPU.

    W&B asks that code for inputs that were declared before the run. Whoever declares one has
    imported the code; then nothing is left out.
    """
    from wandb.sdk.wandb_run import Run

    name, code = "_detect_and_apply_job_inputs", "wandb.sdk.launch.inputs.internal"
    apply_inputs = vars(Run).get(name)
    if apply_inputs is None or code in sys.modules:
        yield
        return
    setattr(Run, name, lambda run: None)
    try:
        yield
    finally:
        setattr(Run, name, apply_inputs)


def wandb_connection() -> Any:
    """W&B's connection to its service process; None if there is none."""
    from wandb.sdk import wandb_setup

    setup = wandb_setup._singleton  # noqa: SLF001
    return setup and setup._connection  # noqa: SLF001


def abandon_wandb(connection: Any) -> None:
    """Kill W&B's service process, and forget its runs.

    The public ``wandb.teardown``, which W&B also calls at the end of the process, waits for the
    service without a limit.
    """
    from wandb import Settings
    from wandb.errors import term
    from wandb.sdk import wandb_setup
    from wandb.sdk.lib import module
    from wandb.sdk.lib.service import service_token

    quiet = logging.getLogger("wandb.abandoned")  # the calls that still wait will fail
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    term.termsetup(Settings(silent=True), quiet)
    wandb_setup._singleton = None  # noqa: SLF001
    module.unset_globals()  # type: ignore[no-untyped-call]
    service_token.clear_service_in_env()
    if connection is not None and connection._proc is not None:  # noqa: SLF001
        connection._cleanup()  # noqa: SLF001 (does nothing at the end of the process)
        connection._proc._process.kill()  # noqa: SLF001
