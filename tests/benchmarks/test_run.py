import json
from pathlib import Path

import pytest

from benchmarks.accuracy.plan import trainings
from benchmarks.accuracy.settings import MONAI
from benchmarks.accuracy.training import Outcome, Training, write_outcome
from benchmarks.run import BENCHMARKS, SECTIONS, main
from benchmarks.sections.accuracy import packages


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_results_and_remarks(section: str) -> None:
    assert (BENCHMARKS / "results" / f"{section}.json").is_file()
    assert (BENCHMARKS / "remarks" / f"{section}.md").is_file()
    assert (BENCHMARKS / "sections" / f"{section}.py").is_file()


def test_the_page_is_the_one_that_the_stored_results_give(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(BENCHMARKS / "results")

    main(["--page", "--output", str(tmp_path)])

    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert page == (BENCHMARKS / "RESULTS.md").read_text("utf-8")


def test_a_section_stores_its_rows_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    main(["training_gpu", "--output", str(tmp_path)])

    stored = json.loads((tmp_path / "results" / "training_gpu.json").read_text("utf-8"))
    assert stored["rows"][0] == {
        "measurement": "the GPU's peak rate in bfloat16",
        "result": "not measured",
        "goal": "",
        "reached": None,
        "conditions": "",
    }
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "| the GPU's peak rate in bfloat16 | not measured |  |  |  |" in page
    assert "## 7. Loading\n\nNot measured." in page


def test_packages_that_are_missing_are_named_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.run.find_spec", lambda name: None if name == "nncf" else name)

    with pytest.raises(SystemExit):
        main(["scaling", "export"])

    assert "not installed: nncf; pip install" in capsys.readouterr().err


def test_accuracy_names_missing_packages_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.run.find_spec", lambda name: None if name == "monai" else name)

    with pytest.raises(SystemExit):
        main(["accuracy", "--data.root", str(tmp_path), "--output", str(tmp_path / "output")])

    assert "not installed: monai; pip install" in capsys.readouterr().err
    assert not (tmp_path / "output").exists()


def test_accuracy_needs_no_package_for_what_is_trained(tmp_path: Path) -> None:
    data, folder = tmp_path / "lgg", tmp_path / "output"
    for training in trainings(data, 8.0):
        write_outcome(training.file(folder / "lgg"), training, Outcome(1, [], [], {}))
    assert packages(folder, [data]) == set()

    Training(data, MONAI, 3, 0, 8.0).file(folder / "lgg").unlink()
    assert packages(folder, [data]) == {"monai"}


def test_a_section_that_fails_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "results" / "training_gpu.json").mkdir(parents=True)  # cannot be written

    with pytest.raises(SystemExit, match="error: failed: training_gpu"):
        main(["training_gpu", "accuracy", "--output", str(tmp_path)])

    assert (tmp_path / "results" / "accuracy.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["loading", "--piece", "peak"], "--piece belongs to the section training_gpu"),
        (["training_gpu", "--piece", "pek"], "no piece pek; there are data, peak, train_unet"),
    ],
)
def test_a_wrong_piece_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)

    assert message in capsys.readouterr().err
