"""Mistakes in the options of commands without configs."""

import pytest

from lightning_app.utils.argparse import PlainParser

MISTAKES = {
    "an unknown option": (["--out", "x"], "unknown option --out; did you mean --output?"),
    "with =": (["--out=x"], "unknown option --out; did you mean --output?"),
    "a distant one": (["--zzz"], "unknown option --zzz; --help explains the usual options"),
    "a missing one": ([], "the following arguments are required: --output"),
    "a stray word": (["--output", "x", "y"], "unrecognized arguments: y"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, line = MISTAKES[mistake]
    parser = PlainParser("make", "Make something.")
    parser.add_argument("--output", required=True)
    with pytest.raises(SystemExit) as end:
        parser.parse(words)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {line}")
    assert error.count("\n") == 1


def test_a_word_after_two_dashes_is_no_option() -> None:
    parser = PlainParser("make", "Make something.")
    parser.add_argument("files", nargs="*")
    assert parser.parse(["a", "--", "--b"]).files == ["a", "--b"]
