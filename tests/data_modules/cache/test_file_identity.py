"""The identity of a file changes with its content, and with nothing else that can be avoided."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_modules.cache.file_identity import file_identity

CONTENT = bytes(np.random.default_rng(0).integers(0, 40, 100_000, np.uint8))
CORRECTED = CONTENT[:500] + b"!" + CONTENT[501:]


def plain(content: bytes) -> bytes:
    return content


def compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def in_blocks(content: bytes) -> bytes:
    """As bgzip writes it: many members, and an empty one at the end, which is always the same."""
    blocks = [content[start : start + 65_280] for start in range(0, len(content), 65_280)]
    return b"".join(gzip.compress(block, mtime=0) for block in [*blocks, b""])


@pytest.mark.parametrize("name", ["a.nii", "a.mha", "a.nii.gz"])
@pytest.mark.parametrize("stored", [plain, compressed, in_blocks])
def test_a_correction_changes_the_identity_though_size_and_time_stay(
    tmp_path: Path, name: str, stored: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(stored(CONTENT))
    size = path.stat().st_size
    os.utime(path, ns=(10**18, 10**18))
    before = file_identity(path)
    assert before is not None
    assert file_identity(path) == before

    path.write_bytes(stored(CORRECTED)[:size].ljust(size, b"\0"))
    os.utime(path, ns=(10**18, 10**18))

    assert file_identity(path) != before


def test_a_copy_of_a_compressed_file_has_its_identity(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(compressed(CONTENT))
    before = file_identity(path)
    copied = shutil.copyfile(path, tmp_path / "copy.nii.gz")
    os.utime(copied, ns=(1, 1))
    assert file_identity(copied) == before


@pytest.mark.parametrize("content", [b"", b"short", b"no gzip file at all"])
def test_a_file_that_is_no_gzip_file_has_an_identity(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content)
    assert file_identity(path) is not None


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nii.gz")
    assert file_identity(tmp_path / "a.nii.gz") is None


def test_a_missing_file_has_none(tmp_path: Path) -> None:
    assert file_identity(tmp_path / "a.nii.gz") is None
