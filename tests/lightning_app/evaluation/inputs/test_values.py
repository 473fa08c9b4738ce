"""What the values of masks mean, if the user does not say."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_modules.targets import TARGETS
from lightning_app.evaluation.inputs.mask_folder import read_mask_folder
from lightning_app.evaluation.inputs.values import values_of
from lightning_app.utils.errors import UsageError
from tests.helpers.masks import tumour, write_masks

CHANNELS = {"channel_names": {"0": "T1ce"}}
NNUNET = {"labels": {"background": 0, "edema": 1, "necrosis": 2, "enhancing tumor": 3}}


def note(folder: Path, case: str, target: str) -> None:
    keys: dict[str, Any] = dict.fromkeys(("labels", "modalities", "input", "run", "voxels"), "")
    (folder / f"{case}.json").write_text(json.dumps(keys | {"target": target}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_masks(tmp_path / "data" / "masks", {"A": tumour(), "B": tumour()})


@pytest.mark.parametrize("target", TARGETS)
def test_the_json_of_predict_names_the_regions(target: str, folder: Path) -> None:
    for case in "AB":
        note(folder, case, target)
    values, why = values_of(read_mask_folder(folder, "--input"), None)

    one_class = len(TARGETS[target].classes) == 1
    assert values.regions == ((target,) if one_class else ("whole", "core", "enhancing"))
    assert values.labels is None or values.labels.keys() >= {v for v, _ in TARGETS[target].written}
    assert "JSON" in why


def test_what_is_typed_wins(folder: Path) -> None:
    for case in "AB":
        note(folder, case, "whole")
    assert values_of(read_mask_folder(folder, "--input"), "brats2021")[0].name == "brats2021"


@pytest.mark.parametrize("targets", [{"A": "whole"}, {"A": "whole", "B": "core"}])
def test_masks_of_several_kinds_are_refused(targets: dict[str, str], folder: Path) -> None:
    for case, target in targets.items():
        note(folder, case, target)
    with pytest.raises(UsageError, match=r"--input .* mixes masks of several kinds: A has"):
        values_of(read_mask_folder(folder, "--input"), None)


def test_a_json_of_another_program_says_nothing(folder: Path) -> None:
    (folder / "A.json").write_text('{"target": "whole"}')
    assert values_of(read_mask_folder(folder, "--input"), None)[1] == "the default"


def test_an_unknown_target_is_named(folder: Path) -> None:
    note(folder, "A", "cyst")
    with pytest.raises(UsageError, match=r"A\.json' names the target 'cyst', expected one of"):
        values_of(read_mask_folder(folder, "--input"), None)


@pytest.mark.parametrize("place", [".", ".."], ids=["predictions", "labelsTr"])
def test_nnunets_description_is_read(place: str, folder: Path) -> None:
    (folder / place / "dataset.json").write_text(json.dumps(CHANNELS | NNUNET))
    values, why = values_of(read_mask_folder(folder, "--input"), None)
    assert values.labels == {0: 0, 1: 2, 2: 1, 3: 3}
    assert "dataset.json" in why
