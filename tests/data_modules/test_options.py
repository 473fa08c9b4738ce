import logging
from pathlib import Path
from typing import Any

import pytest

from data_modules.brats import BraTSDataModule
from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import module, ready


@pytest.mark.parametrize(
    ("cores", "options", "words"),
    [
        (1, {"num_workers": 2}, ["num_workers is 2 on the 1 core that", "lower it to 1 or less"]),
        (3, {"num_workers": 4}, ["num_workers is 4 on the 3 cores that", "lower it to 3 or less"]),
        (1, {"num_workers": 1}, []),
        (1, {"num_workers": 2, "on_device": True}, []),  # which needs no workers
    ],
)
def test_more_workers_than_cores_are_remarked_on(
    cores: int,
    options: dict[str, Any],
    words: list[str],
    data: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("data_modules.options.cores", lambda: cores)

    with caplog.at_level(logging.WARNING):
        ready(data, cache, **options)

    lines = [record.message for record in caplog.records if "num_workers" in record.message]
    assert len(lines) == len(words[:1])
    for word in words:
        assert word in lines[0]


def test_far_too_many_workers_are_refused(
    data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_modules.options.cores", lambda: 1)
    with pytest.raises(DataError, match="at most 8 on the 1 core that this process may use"):
        module(data, cache, num_workers=9)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"slices": "Middle"}, "data.slices is 'Middle', expected middle, largest, tumour, all or"),
        ({"eval_slices": "al"}, "data.eval_slices is 'al'"),
        ({"target": "wt"}, "data.target is 'wt', expected whole"),
        ({"augmentation": "weak"}, "data.augmentation is 'weak', expected none, light, strong"),
        ({"on_bad_case": "Stop"}, "data.on_bad_case is 'Stop', expected stop, skip"),
        ({"modalities": "t2f"}, r"data.modalities is 't2f', expected a list: \['t2f'\]"),
    ],
)
def test_misspelt_words_are_refused_in_python_too(option: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        BraTSDataModule(**option)
