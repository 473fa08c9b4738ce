"""W&B's service process: where it writes, and its end."""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from callbacks.utils.limited_calls import LimitedCalls
from callbacks.utils.private_api import abandon_wandb, wandb_connection

_log = logging.getLogger(__name__)

_END_TIMEOUT_S = 10  # to end the service, which then has nothing more to send


def use_writable_folders(folder: Path) -> None:
    """Let W&B keep its logs and artifacts in a folder, if it cannot in the user's home.

    Without a folder for its logs, the service writes them to the terminal.
    """
    from wandb import env

    folders = {env.CACHE_DIR: Path(env.get_cache_dir()), env.DATA_DIR: Path(env.get_data_dir())}
    unusable = {name: path for name, path in folders.items() if not _is_writable(path)}
    for name in unusable:
        os.environ[name] = str(folder / "cache")
    if unusable:
        paths = " and ".join(f"'{path}'" for path in unusable.values())
        _log.warning("W&B cannot write to %s: using '%s'", paths, folder / "cache")


def end_service(calls: LimitedCalls, *, failed: bool = False) -> None:
    """End W&B's service process: kill it if it does not end in time.

    Args:
        calls: the thread that uses W&B.
        failed: whether the open run has failed.
    """
    if sys.modules.get("wandb") is None:  # never imported, or it cannot be
        return
    connection = None
    try:
        connection = wandb_connection()
        calls.call(lambda: _finish(failed=failed), _END_TIMEOUT_S)
    except (Exception, SystemExit):  # noqa: BLE001 (whatever it was, it must not go on)
        with suppress(Exception):  # another version of W&B may lack the private names
            abandon_wandb(connection)


def _finish(*, failed: bool) -> None:
    import wandb

    if wandb.run is not None:  # the next run of this process would be logged to it
        wandb.run.finish(exit_code=int(failed))
    wandb.teardown(exit_code=int(failed))


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
