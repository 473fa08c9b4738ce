"""What a user sees of the warnings of libraries."""

import io
import logging
from contextlib import redirect_stderr

import pytest

from lightning_app.utils.logging import configure_logging
from tests.conftest import Program


def test_too_many_workers_are_one_line_that_names_the_option(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch._utils.cpu_count", lambda: 1)
    monkeypatch.setattr("data_modules.options.cores", lambda: 1)

    assert program("fit", "--trainer.max_epochs", "1", "--data.num_workers", "2") == 0

    (line,) = [line for line in capsys.readouterr().err.splitlines() if "worker" in line]
    assert line == (
        "Data: data.num_workers is 2 on the 1 core that this process may use: this may slow the "
        "training down; lower it to 1 or less"
    )


def test_a_message_goes_to_what_is_standard_error_at_that_time() -> None:
    configure_logging()
    during_a_bar = io.StringIO()
    with redirect_stderr(during_a_bar):
        logging.getLogger("callbacks.checkpoints").warning("saving")

    assert during_a_bar.getvalue() == "saving\n"
