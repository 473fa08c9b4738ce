"""The options of the command, and what it says."""

from pathlib import Path

import pytest

from lightning_app.cli import main
from tests.helpers.masks import evaluate, tumour, write_masks


def test_the_terminal_says_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = write_masks(tmp_path / "truth", {"A": tumour()})
    evaluate(truth, truth, tmp_path / "scores")

    said = capsys.readouterr().out
    for words in (
        "Cases: 1, of 1 patient", "glioma of BraTS 2023, the default", "values: brats2023, the def",
        "at least 10 patients", "dice", "lesion_hd95", f"Files: {tmp_path / 'scores'}",
    ):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tolerance", "0"], "'0', expected a number of mm, more than 0"),
        (["--tolerance", "nan"], "expected a number of mm"),
        (["--cohort", "gliom"], "invalid choice: 'gliom'"),
        (["--values", "nnunet"], "invalid choice: 'nnunet'"),
    ],
)
def test_a_wrong_option_is_one_line(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--input", "x", "--reference", "y", "--output", str(tmp_path / "z")]
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *arguments, *options])
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert words in said
    assert said.count("\n") == 1
