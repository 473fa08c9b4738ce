import json
from pathlib import Path

import pytest

from data_modules.catalog.source import MANIFEST, Source, source_of
from data_modules.phantom import write_phantom

PHANTOM_0, PHANTOM_1, PHANTOM, FILES = (
    Source("phantom", "0"), Source("phantom", "1"), Source("phantom"), Source("files")
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (FILES, FILES, True), (FILES, PHANTOM_0, False), (FILES, PHANTOM, False),
        (PHANTOM_0, PHANTOM_0, True), (PHANTOM_0, PHANTOM_1, False), (PHANTOM_0, PHANTOM, True),
    ],
)  # fmt: skip
def test_ids_of_different_sources_are_different_patients(
    one: Source,
    other: Source,
    share: bool,
) -> None:
    assert one.shares_patients_with(other) is share
    assert other.shares_patients_with(one) is share


def test_the_source_is_read_from_where_the_cases_lie(tmp_path: Path) -> None:
    phantom, files = tmp_path / "phantom", tmp_path / "files"
    ids = write_phantom(phantom, cases=2, depth=1, seed=2**70, processes=1, modalities=("t1c",))

    assert source_of(phantom / case for case in ids) == Source("phantom", str(2**70))
    assert source_of([files / "a", files / "b"]) == FILES
    assert source_of([files / "a", phantom / ids[0]]).is_phantom


@pytest.mark.parametrize("content", ["{", "[]", "{}", json.dumps({"seed": "1"}), "\xff"])
def test_a_damaged_manifest_is_that_of_a_phantom(content: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(content, encoding="latin-1")

    assert source_of([tmp_path / "case"]) == PHANTOM


def test_two_phantoms_have_no_seed(tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        (tmp_path / str(seed) / MANIFEST).write_text(json.dumps({"seed": seed}), "utf-8")

    assert source_of([tmp_path / "0" / "a", tmp_path / "1" / "b"]) == PHANTOM
