import json
import re
from pathlib import Path

from data_modules.summary import description, split_rows, summary
from tests.helpers.brats_modules import ready, split_file
from tests.helpers.toy import write_case, write_dataset


def test_what_is_recorded_is_json_and_tells_splits_apart(data: Path, cache: Path) -> None:
    ones = [ready(data, cache, split_seed=seed) for seed in (0, 0, 1)]
    first, again, other = (json.loads(json.dumps(description(one))) for one in ones)

    assert first == again
    assert split_rows(ones[0]) != split_rows(ones[2])
    assert first["split"] != other["split"]
    assert first["modalities"] == ["t1c"]
    assert first["target"] == "whole"
    assert first["spacing"] == {"x": [1, 1], "y": [1, 1], "z": [1, 1]}


def test_the_summary_counts_cases_patients_and_slices(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", 4)
    write_case(tmp_path / "data", "BraTS-GLI-00000-001")
    split = split_file(tmp_path / "split.csv", [0, 1], [2], [3])
    split.write_text(split.read_text() + "\nBraTS-GLI-00000-001,train")

    one = ready(tmp_path / "data", tmp_path / "cache", split_file=split, slices=[1, 2])

    line = summary(one)
    assert "5 cases of 4 patients" in line
    # Cases, then slices, of train, val and test
    assert re.findall(r"\d+", line.split("brats2023")[1]) == ["3", "1", "1", "6", "2", "2"]


def test_the_slices_of_validation_and_test_have_a_fingerprint_of_their_own(
    data: Path, cache: Path
) -> None:
    middle, largest, tested_on_largest = (
        description(ready(data, cache, slices=slices, eval_slices=eval_slices))
        for slices, eval_slices in (
            ("middle", "middle"), ("largest", "middle"), ("middle", "largest")
        )
    )  # fmt: skip
    assert middle["fingerprint"] != largest["fingerprint"]
    assert middle["eval_fingerprint"] == largest["eval_fingerprint"]
    assert tested_on_largest["eval_fingerprint"] not in {middle["eval_fingerprint"], ""}
