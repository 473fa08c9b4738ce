"""Waits for what another process does."""

import time
from collections.abc import Callable

TIMEOUT_S = 300.0  # even one busy core takes less, unless something hangs


def wait_until(
    condition: Callable[[], object],
    explain: Callable[[], object] = lambda: "timeout",
    seconds: float = TIMEOUT_S,
) -> None:
    """Wait until a condition holds; fail with an explanation if that takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)
