"""Text from strangers is shown and written without doing anything."""

import logging
from collections.abc import Callable

import pytest
from lightning_utilities.core.rank_zero import rank_zero_only

from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.logging import configure_logging, print_on_rank_zero
from lightning_app.utils.text import csv_text, is_file_name, print_lines

# Without half characters, which pytest-xdist cannot send in a captured log.
CODES = "a\x1b[2Jb\x07\u202e"
SHOWN = "a\\x1b[2Jb\\x07\\u202e"


def log(text: str) -> None:
    logging.getLogger("callbacks").warning("%s", text)


@pytest.mark.parametrize("write", [print_lines, print_on_rank_zero, log])
def test_control_characters_are_shown_and_not_obeyed(
    write: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 0, raising=False)
    configure_logging()
    write(CODES)
    assert "".join(capsys.readouterr()) == f"{SHOWN}\n"


def test_half_a_character_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines("a\udcff")
    assert capsys.readouterr().out == "a\\udcff\n"


def test_neither_are_they_in_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        PlainParser("report", "").parse_args([CODES])
    assert SHOWN in capsys.readouterr().err


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "-", "-0.5"])
def test_text_that_a_spreadsheet_would_calculate_is_prefixed(text: str) -> None:
    assert csv_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "BraTS-GLI-00000-000", "1.5", "'=1"])
def test_other_text_stays(text: str) -> None:
    assert csv_text(text) == text


@pytest.mark.parametrize("name", ["t1c", "t1c+t2f", "Müller 3", "a.b"])
def test_plain_names_are_names_of_files(name: str) -> None:
    assert is_file_name(name)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a..b", "/a", "c:a", "a\n", "x" * 101])
def test_paths_are_no_names_of_files(name: str) -> None:
    assert not is_file_name(name)
