"""The last line of a command is the command to type next, and that works."""

import json
import shlex
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.commands import reproduce
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.toy import write_dataset

Capture = pytest.CaptureFixture[str]


def next_words(capsys: Capture) -> list[str]:
    """The command in the last line, without the purpose before it and without python main.py."""
    line = capsys.readouterr().out.splitlines()[-1]
    words = shlex.split(line.partition(": ")[2])
    assert words[:2] in (["python", "main.py"], ["python", "-m"]), line
    return words[2:]


def only_run(root: str = "runs") -> Run:
    (run,) = find_runs(Path(root))
    return run


def test_from_prepare_to_the_report(program: Program, capsys: Capture) -> None:
    root = ["--trainer.default_root_dir", "my runs"]
    assert program("prepare", *root) == 0
    words = next_words(capsys)
    assert words == ["fit", "--config", "unet_t1c.yaml", "--config", "toy.yaml", *root]

    assert main(words) == 0
    run = only_run("my runs")
    words = next_words(capsys)
    assert words == ["test", "--run", str(run.path)]

    assert main(words) == 0
    words = next_words(capsys)
    assert words == ["report", "my runs"]

    assert main(words) == 0
    page = Path("my runs/report/report.html").resolve()
    assert page.is_file()
    assert next_words(capsys) == ["webbrowser", page.as_uri()]


def test_after_a_validation_and_tests(program: Program, capsys: Capture) -> None:
    assert program("fit", "--data.split_sizes", "[8,3,3]", "--data.slices", "all") == 0
    run = only_run()
    again = ["test", "--run", str(run.path)]
    after = {
        ("validate",): again,
        ("test", "--trainer.limit_test_batches", "2"): again,
        ("test",): ["report"],
    }
    for command, words in after.items():
        capsys.readouterr()
        assert program(*command) == 0
        assert next_words(capsys) == words

    record = json.loads(run.status.read_text("utf-8"))
    run.status.write_text(json.dumps(record | {"status": "interrupted"}), "utf-8")
    assert program("test") == 0
    assert next_words(capsys) == ["fit", "--resume", str(run.path)]


def test_trust_is_typed_again(program: Program, capsys: Capture) -> None:
    assert program("fit", "--trust", "monai.losses") == 0
    assert next_words(capsys)[-2:] == ["--trust", "monai.losses"]


def test_after_bad_cases_and_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_dataset(tmp_path / "data", 5)
    split = ["--data.root", "data", "--data.split_sizes", "[0.5,0.25,0.25]"]
    with_network = ["fit", "--config", "unet_t1c.yaml", *split]
    assert main(["prepare", *split]) == 0
    assert next_words(capsys) == with_network

    (root / "BraTS-GLI-00000-000" / "BraTS-GLI-00000-000-t1c.nii.gz").write_bytes(b"no image")
    skip = ["--data.on_bad_case", "skip"]
    for typed in ([], skip):
        assert main(["prepare", *split, *typed]) == 1
        assert next_words(capsys) == [*with_network, *skip]


def test_predicted_masks_are_scored(program: Program, toy_root: Path, capsys: Capture) -> None:
    assert program("fit") == 0
    case = "BraTS-GLI-00000-000"
    shutil.copytree(toy_root / case, Path("new cases") / case)
    to = ["--input", "new cases", "--output", "my masks"]
    assert program("predict", *to) == 0
    words = next_words(capsys)
    assert words == [
        "evaluate", "--input", "my masks", "--reference", "new cases",
        "--output", "my masks-scores",
    ]  # fmt: skip
    assert main(words) == 0
    page = Path("my masks-scores/report.html").resolve()
    assert page.is_file()
    assert next_words(capsys) == ["webbrowser", page.as_uri()]

    (Path("new cases") / case / f"{case}-seg.nii.gz").unlink()
    assert program("predict", *to) == 0
    assert "GROUND_TRUTH" in next_words(capsys)


def test_a_phantom_is_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["phantom", "--output", "a b", "--cases", "1", "--depth", "1"]) == 0
    expected = ["fit", "--config", "unet_t2f.yaml", "--data.root", str(tmp_path / "a b")]
    assert next_words(capsys) == expected


def test_a_failed_grid_is_tried_again(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(reproduce, "execute", lambda *_: 1)
    grid = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert program(*grid) == 1
    assert next_words(capsys) == grid


def test_a_run_typed_without_its_option(program: Program, capsys: Capture) -> None:
    assert program("fit") == 0
    run = str(only_run().path)
    for command, option in (("test", "--run"), ("validate", "--run")):
        for word in (run, "unet_t1c"):
            with pytest.raises(SystemExit) as end:
                program(command, word)
            assert end.value.code == 2
            assert f"did you mean {option} {word}?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["fit", run])
    assert f"did you mean --resume {run}?" in capsys.readouterr().err
