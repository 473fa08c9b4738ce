"""Data sets without training cases."""

from pathlib import Path

import pytest

from data_modules.summary import description, overview, summary
from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import ids, module, split_file
from tests.helpers.toy import write_dataset


def test_all_cases_are_test_cases(data: Path, cache: Path) -> None:
    external = module(data, cache, split_sizes="all-test")
    external.prepare_data()
    external.setup("test")

    every_case = sorted(folder.name for folder in data.iterdir())
    assert (ids(external, "train"), ids(external, "val")) == ([], [])
    assert ids(external, "test") == every_case
    tested = [index for batch in external.test_dataloader() for index in batch["sample"].tolist()]
    assert tested == list(range(len(every_case)))
    assert f"train / val / test: 0 / 0 / {len(every_case)} cases" in summary(external)
    assert description(external)["spacing"] == {}  # that of the training cases
    assert [line for line in overview(external) if line.startswith(("train", "  val"))] == []


@pytest.mark.parametrize(("stage", "split"), [("fit", "train"), ("validate", "val")])
def test_other_stages_say_which_split_is_empty(
    stage: str, split: str, data: Path, cache: Path
) -> None:
    message = f"no case in split {split}, which {stage} needs: data.split_sizes is all-test"
    with pytest.raises(DataError, match=message):
        module(data, cache, split_sizes="all-test").setup(stage)


def test_a_single_patient_can_be_tested(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 1)

    with pytest.raises(DataError, match=r"to test all of them, give --data.split_sizes all-test"):
        module(root, tmp_path / "cache").setup("test")

    external = module(root, tmp_path / "cache", split_sizes="all-test")
    external.setup("test")
    assert len(ids(external, "test")) == 1


def test_a_split_file_need_not_have_training_cases(data: Path, cache: Path, tmp_path: Path) -> None:
    path = split_file(tmp_path / "split.csv", [], [], [2, 0])

    external = module(data, cache, split_file=path)
    external.setup("test")

    assert ids(external, "test") == ["BraTS-GLI-00000-000", "BraTS-GLI-00002-000"]
    with pytest.raises(DataError, match=r"no case in split val, which validate needs$"):
        module(data, cache, split_file=path).setup("validate")


def test_a_training_needs_no_test_cases(data: Path, cache: Path, tmp_path: Path) -> None:
    trained = module(data, cache, split_file=split_file(tmp_path / "s.csv", [0, 1], [2], []))
    trained.setup("fit")

    assert len(trained.datasets["train"]) == 2
    with pytest.raises(DataError, match=r"no case in split test, which test needs$"):
        trained.setup("test")


def test_a_file_of_splits_contradicts_all_test_and_a_file_of_patients_does_not(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    sides = split_file(tmp_path / "sides.csv", [0], [1], [2])
    with pytest.raises(DataError, match=r"is all-test, but data.split_file '.*' has a column side"):
        module(data, cache, split_sizes="all-test", split_file=sides).setup("test")

    patients = tmp_path / "patients.csv"
    patients.write_text("case,patient\nBraTS-GLI-00000-000,p\nBraTS-GLI-00001-000,p\n", "utf-8")
    external = module(data, cache, split_sizes="all-test", split_file=patients)
    external.setup("test")
    assert [case.patient for case in external.splits["test"]][:2] == ["p", "p"]


def test_a_data_set_of_bad_cases_alone_stops(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 1)
    (image,) = root.rglob("*-t1c.nii.gz")
    image.write_bytes(b"no image")

    skipping = module(root, tmp_path / "cache", split_sizes="all-test", on_bad_case="skip")
    with pytest.raises(DataError, match=rf"no case can be used: 1 are bad; .*{image.name}"):
        skipping.setup("test")
