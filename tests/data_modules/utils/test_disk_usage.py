"""The space that files take, and its words."""

from pathlib import Path

import pytest

from data_modules.utils.disk_usage import disk_usage, size_in_words


def test_all_files_below_a_folder_count_and_links_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "inner" / ".hidden").mkdir(parents=True)
    (tmp_path / "large").write_bytes(bytes(10**6))
    (folder / "a").write_bytes(bytes(100))
    (folder / "inner" / ".hidden" / "b").write_bytes(bytes(20))
    assert disk_usage(folder) == 120

    (folder / "inner" / "up").symlink_to(tmp_path)
    (folder / "file").symlink_to(tmp_path / "large")
    assert 120 < disk_usage(folder) < 10_000  # a link takes as much as the path in it
    assert disk_usage(folder / "a") == 100


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9951, "10 kB"),
        (999_499, "999 kB"), (999_600, "1.0 MB"), (3.14e9, "3.1 GB"), (2e15, "2000 TB"),
    ],
)  # fmt: skip
def test_sizes_have_decimal_units(size: float, words: str) -> None:
    assert size_in_words(size) == words
