"""A MetaImage file has its voxels in itself."""

from pathlib import Path

import numpy as np
import pytest

from data_modules.io.geometry import read_grid
from data_modules.io.volumes import read_volume
from data_modules.utils.problems import BadFileError
from tests.helpers.toy import write_volume

LOCAL = b"ElementDataFile = LOCAL\n"


def write_meta_image(path: Path, data_file: bytes) -> Path:
    write_volume(path, np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    content = path.read_bytes()
    assert LOCAL in content
    path.write_bytes(content.replace(LOCAL, data_file))
    return path


@pytest.mark.parametrize(
    ("data_file", "words"),
    [
        (b"ElementDataFile = secret.raw\n", "ElementDataFile = 'secret.raw', expected LOCAL"),
        (b"ElementDataFile=/etc/passwd\r\n", "ElementDataFile = '/etc/passwd', expected LOCAL"),
        (b" ElementDataFile : \xff.raw\n", r"ElementDataFile = '\\\\xff.raw', expected LOCAL"),
        (b"ElementDataFile = LIST\nsecret.raw\n", "ElementDataFile = 'LIST', expected LOCAL"),
        (b"ElementDataFile = slice%d.raw 1 3 1\n", "ElementDataFile = 'slice%d.raw 1 3 1'"),
        (b"Comment =\n" + LOCAL + b"ElementDataFile = secret.raw\n", "'secret.raw', expected"),
        (b"\n", "has no ElementDataFile"),
    ],
)
def test_an_mha_file_that_names_another_file_is_refused(
    tmp_path: Path, data_file: bytes, words: str
) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(120))
    path = write_meta_image(tmp_path / "image.mha", data_file)

    for read in (read_volume, read_grid):
        with pytest.raises(BadFileError, match=words):
            read(path)


@pytest.mark.parametrize(
    "local", [LOCAL, b"ElementDataFile = local\r\n", b"ElementDataFile=Local\n"]
)
def test_an_mha_file_with_its_own_voxels_is_read(tmp_path: Path, local: bytes) -> None:
    voxels, _ = read_volume(write_meta_image(tmp_path / "image.mha", local))

    np.testing.assert_array_equal(voxels.ravel(), np.arange(60))
