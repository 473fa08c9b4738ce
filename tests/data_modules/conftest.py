"""Data that the tests of the data module share."""

from pathlib import Path

import pytest

from tests.helpers.toy import write_dataset


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six cases that no test changes."""
    return write_dataset(tmp_path_factory.mktemp("data") / "release", 6)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")
