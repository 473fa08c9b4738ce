"""Whether a run was trained in part. Imports no torch: a report asks for it."""

from typing import Any

from lightning_app.config.limits import ENDS, end_limits, limits, limits_in_words
from lightning_app.runs.folder import Run, run_config
from lightning_app.runs.status import read_status
from lightning_app.utils.yaml_file import get_option


def training_limits(run: Run) -> str:
    """The options that limited the training of a run, in words; empty if it was trained in full.

    Raises:
        RecordError, FileNotFoundError: the run's config cannot be read.
    """
    config = run_config(run)
    found = limits("fit", config)
    if ended := ended_by(run, config):
        found[ended] = get_option(config, ended)
    return limits_in_words(found)


def ended_by(run: Run, config: dict[str, Any]) -> str | None:
    """The option that ended a training before its last epoch; None if none did.

    Args:
        run: the run.
        config: its config.
    """
    status = read_status(run)
    if status.get("status") != "finished":
        return None
    if "ended_by" in status:
        return next((option for option in ENDS if option == status["ended_by"]), None)
    # An earlier version recorded the number of epochs only.
    trained, wanted = status.get("epochs"), get_option(config, "trainer.max_epochs")
    if not isinstance(trained, int) or not isinstance(wanted, int) or trained >= wanted:
        return None
    return next(iter(end_limits(config)), None)
