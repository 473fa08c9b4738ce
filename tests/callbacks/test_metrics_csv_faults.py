"""metrics.csv on a full disk: the existing rows are kept."""

from pathlib import Path

import pytest

from callbacks.metrics_csv import _write
from tests.helpers.disk import fill, small_disk


def test_a_full_disk_keeps_the_old_file_and_leaves_no_partial_one(tmp_path: Path) -> None:
    columns = ["epoch", "val/dice"]
    rows = [{"epoch": epoch, "val/dice": 0.123456789} for epoch in range(1000)]
    with small_disk(tmp_path / "disk", kilobytes=64) as disk:
        path = disk / "metrics.csv"
        _write(path, rows[:3], columns)
        before = path.read_bytes()
        filler = fill(disk)

        with pytest.raises(OSError, match=rf"No space left on device: '{path}'"):
            _write(path, rows, columns)
        assert path.read_bytes() == before
        assert sorted(disk.iterdir()) == [filler, path]

        filler.unlink()
        _write(path, rows, columns)
        assert len(path.read_text("utf-8").splitlines()) == 1001
