"""What cannot be read of a record is a RecordError, which ends a command in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import read_config, read_record, read_rows
from lightning_app.runs.status import locked, mark_running, read_status
from lightning_app.utils.errors import UsageError
from lightning_app.utils.exit_codes import exit_code_and_line
from lightning_app.utils.json_csv import write_json

READERS: dict[str, Callable[[Path], object]] = {
    "x.json": read_record,
    "x.yaml": read_config,
    "x.csv": lambda path: read_rows(path, ("a", "b")),
}


def test_it_is_an_error_of_the_user_and_names_the_file() -> None:
    error = RecordError(Path("runs/a/x.json"), "it is a list")
    assert isinstance(error, UsageError)
    assert exit_code_and_line(error) == (2, "error: runs/a/x.json: it is a list")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"3", b"\0", b"\xff\xfe", b"[" * 20_000, b'"' + b"x" * 200_000, b"a,b\n1\n", None],
)
def test_a_file_that_cannot_be_read(name: str, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        READERS[name](path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", READERS)
def test_a_file_without_permission(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RecordError, match="it cannot be read: Permission denied"):
        READERS[name](tmp_path / name)


def test_a_folder_that_may_not_be_entered_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("20260101-000000-aaaaaa", "20260102-000000-bbbbbb"):
        (tmp_path / "unet_t1c" / name).mkdir(parents=True)
    stat = Path.stat

    def refuse(self: Path, **options: Any) -> Any:
        if "20260102-000000-bbbbbb" in self.parts:
            raise PermissionError(13, "Permission denied")
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    assert [run.path.name for run in find_runs(tmp_path)] == ["20260101-000000-aaaaaa"]


@pytest.mark.parametrize(
    ("value", "read", "expected"),
    [
        ([1], Values.text, "x.json: data.key is [1], expected text"),
        ("t1c", Values.texts, "data.key is 't1c', expected a list of names"),
        (-1, Values.whole_number, "data.key is -1, expected a whole number from 0 to"),
        (1.5, Values.whole_number, "data.key is 1.5, expected a whole number"),
        (10**30, Values.whole_number, "data.key is 1000000000000000000000000000000, expected a wh"),
        (float("nan"), Values.number, "data.key is nan, expected a finite number"),
        (None, Values.values, "data.key is None, expected a mapping"),
        ({}, Values.choice, "data.key is {}, expected a text or a list of whole numbers"),
    ],
)
def test_a_value_of_another_type(
    value: object, read: Callable[[Values, str], object], expected: str
) -> None:
    values = Values({"key": value}, Path("x.json"), "data")
    with pytest.raises(RecordError) as caught:
        read(values, "key")
    assert expected in str(caught.value)


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(RecordError) as caught:
        Values({"key": ["x" * 10_000]}, Path("x.json")).text("key")
    assert len(str(caught.value)) < 100


def test_text_has_no_control_characters(tmp_path: Path) -> None:
    assert Values({"key": "a\x1b[2J"}, Path("x.json")).text("key") == "a\\x1b[2J"
    (tmp_path / "x.csv").write_text("a\n\x1b[2J\n", "utf-8")
    assert read_rows(tmp_path / "x.csv", ("a",)) == [{"a": "\\x1b[2J"}]


@pytest.mark.parametrize("pid", [None, "x", [1], -1, 0, 10**30])
def test_a_status_with_another_pid_is_that_of_no_process(pid: object, tmp_path: Path) -> None:
    run = Run(tmp_path)
    mark_running(run)
    write_json(run.status, {**read_status(run), "pid": pid, "resumed": "x"})

    with locked(run):
        mark_running(run)
    assert read_status(run)["resumed"] == 1
