"""Whether a run was trained in part. Imports no torch: a report asks for it."""

from typing import Any

from lightning_app.config.limits import ENDS, limits, limits_in_words
from lightning_app.runs.folder import Run, run_config
from lightning_app.runs.status import read_status
from lightning_app.utils.yaml_file import get_option


def training_limits(run: Run) -> str:
    """The options that limited the training of a finished run; empty if it was trained in full.

    Raises:
        RecordError, FileNotFoundError: the run's config cannot be read.
    """
    config = run_config(run)
    found = limits("fit", config)
    if ended := ended_by(run, config):
        found[ended] = get_option(config, ended)
    return limits_in_words(found)


def ended_by(run: Run, config: dict[str, Any]) -> str | None:
    """The option that ended a finished training before its last epoch; None if none did.

    Args:
        run: a finished run.
        config: its config.
    """
    status = read_status(run)
    if "ended_by" in status:
        return status["ended_by"] if status["ended_by"] in ENDS else None
    # An earlier version recorded the number of epochs only.
    trained, wanted = status.get("epochs"), get_option(config, "trainer.max_epochs")
    if not isinstance(trained, int) or not isinstance(wanted, int) or trained >= wanted:
        return None
    return next((o for o in ENDS if get_option(config, o) not in (None, -1)), None)
