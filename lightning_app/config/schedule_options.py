"""What a learning rate schedule needs from the other options."""

from jsonargparse import Namespace
from lightning.pytorch.cli import ReduceLROnPlateau
from torch.optim import lr_scheduler

from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import import_object

# Their cycles are counted in optimizer steps, as their documentation says.
STEPPED_BY_BATCH = (lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR)


def follow_schedule(config: Namespace, typed: Namespace) -> None:
    """Set how often the schedule is stepped, unless that was typed.

    Args:
        config: the options; changed.
        typed: those of them that were typed.
    """
    schedule = _schedule_class(config)
    if schedule and issubclass(schedule, STEPPED_BY_BATCH) and "model.lr_interval" not in typed:
        config.model.lr_interval = "step"


def check_schedule(config: Namespace) -> None:
    """Refuse a schedule that cannot be stepped.

    Raises:
        UsageError: says what to use instead.
    """
    schedule = _schedule_class(config)
    if schedule is None or not issubclass(schedule, lr_scheduler.ReduceLROnPlateau):
        return
    if not issubclass(schedule, ReduceLROnPlateau):
        raise UsageError(
            f"lr_scheduler is '{config.lr_scheduler.class_path}', which names no score to watch: "
            "use lightning.pytorch.cli.ReduceLROnPlateau with monitor, such as val/dice"
        )
    if config.model.lr_interval == "step":
        raise UsageError(
            "model.lr_interval is step, expected epoch: ReduceLROnPlateau follows a score, which "
            "is known once an epoch"
        )


def fill_cycle(config: Namespace) -> None:
    """Write the length of the training into a schedule whose cycle is the whole training.

    Raises:
        UsageError: the length is not known, or is not in the unit of the cycle.
    """
    schedule = config.get("lr_scheduler")
    if not schedule or "T_0" not in schedule.init_args or schedule.init_args.T_0 is not None:
        return
    epochs = config.trainer.max_epochs
    if config.model.lr_interval == "step":
        raise UsageError(
            "model.lr_interval is step, so lr_scheduler.init_args.T_0 must be given: expected the "
            "number of optimizer steps of a cycle"
        )
    if epochs is None or epochs < 1:
        raise UsageError(
            f"trainer.max_epochs is {epochs}, so lr_scheduler.init_args.T_0 must be given: "
            "expected the number of epochs of a cycle"
        )
    schedule.init_args.T_0 = epochs


def _schedule_class(config: Namespace) -> type | None:
    schedule = config.get("lr_scheduler")
    if not schedule:
        return None
    named: type = import_object(schedule.class_path)
    return named
