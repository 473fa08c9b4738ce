from pathlib import Path
from typing import Any

import pytest

from callbacks.wandb_logger import ForgivingWandbLogger

KEY = {"WANDB_API_KEY": "k" * 40}
HERE, ELSEWHERE = {"WANDB_BASE_URL": "https://w.org"}, {"WANDB_BASE_URL": "https://x.org"}
LOGIN = "machine w.org login user password k"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a W&B that opens no run was asked for."""
    asked: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        asked.append(options)
        raise OSError

    monkeypatch.setattr("wandb.init", init)
    return asked


@pytest.mark.parametrize(
    ("variables", "netrc", "mode"),
    [
        ({}, "", "offline"),
        (KEY, "", "online"),
        (KEY | {"WANDB_MODE": "offline"}, "", "offline"),
        ({"WANDB_MODE": "online"}, "", "online"),
        (HERE, LOGIN, "online"),
        (ELSEWHERE, LOGIN, "offline"),
    ],
)
def test_offline_unless_a_key_or_the_mode_says_otherwise(
    variables: dict[str, str], netrc: str, mode: str, asked: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "netrc").write_text(netrc, "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.log_metrics({"score": 1.0})

    assert asked[0]["mode"] == mode


def test_it_goes_on_with_the_id_that_is_written_down(
    asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "id").write_text("abc\n", "utf-8")
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.log_metrics({"score": 1.0})

    assert (asked[0]["id"], asked[0]["resume"]) == ("abc", "allow")


def test_nothing_is_opened_before_it_is_known_where(asked: list[dict[str, Any]]) -> None:
    ForgivingWandbLogger().log_metrics({"score": 1.0})

    assert asked == []


@pytest.mark.parametrize("rank", [0, 1])
def test_only_the_first_process_opens_a_run(
    rank: int, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", rank)
    logger = ForgivingWandbLogger()
    logger.keep_in(tmp_path, tmp_path / "id")
    logger.log_metrics({"score": 1.0})

    assert len(asked) == (1 if rank == 0 else 0)
