"""Which patients a run has seen among those of other data."""

import json
from pathlib import Path

import pytest

from data_modules.catalog.source import Source
from lightning_app.ensembles.seen_patients import patients_to_test, seen_patients
from tests.helpers.runs.toy_runs import ToyRun

CASES = {"A-000": (10, 10, 5), "B-000": (10, 10, 5)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source("phantom", "3"), {"C"}),
        (Source("phantom"), {"C"}),  # of an earlier version: it may be the same
        (Source("phantom", "4"), set()),
        (Source("files"), set()),
    ],
)
def test_an_id_means_the_same_patient_in_one_source_only(
    source: Source, expected: set[str], tmp_path: Path
) -> None:
    run = ToyRun(CASES, others=["C-000", "D-000"], data={"phantom_seed": "3"}).write(tmp_path)

    assert seen_patients(run).among(["A", "C"], source) == expected
    assert patients_to_test(run) == {"A", "B"}


def test_a_phantom_whose_seed_was_not_recorded_has_that_of_the_config(tmp_path: Path) -> None:
    settings = {"data": {"modalities": ["t2f"], "phantom": {"seed": 7}}}
    run = ToyRun(CASES, others=["C-000"], settings=settings).write(tmp_path)
    assert "phantom_seed" not in json.loads(run.environment.read_text("utf-8"))["data"]

    assert seen_patients(run).among("C", Source("phantom", "7")) == {"C"}
    assert not seen_patients(run).among("C", Source("phantom", "0"))
