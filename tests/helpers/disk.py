"""Small file systems that can fill up or become read-only, and what is flushed and renamed."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a tmpfs on a new folder; skips the test if the user may not mount."""
    folder.mkdir(parents=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mount.returncode:
        pytest.skip(f"cannot mount a tmpfs: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        # Lazily: files that a test has mapped may still be in use.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(disk: Path) -> None:
    """Make a disk read-only, even for root."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to the last byte; returns the file that takes the space."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return filler


@dataclass(frozen=True)
class Flushed:
    """A file that was flushed to the disk, with its content at that time; None for a folder."""

    path: Path
    content: bytes | None = None


@dataclass(frozen=True)
class Renamed:
    """A file or folder that was renamed."""

    source: Path
    target: Path


def record_disk(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[Flushed | Renamed]:
    """Record from now on, in order, what is flushed and renamed below a folder."""
    events: list[Flushed | Renamed] = []
    fsync = os.fsync

    def flush(handle: int) -> None:
        fsync(handle)
        stat = os.fstat(handle)
        path = next(p for p in (root, *root.rglob("*")) if os.path.samestat(p.stat(), stat))
        events.append(Flushed(path, path.read_bytes() if path.is_file() else None))

    def recorded(move: Callable[..., None]) -> Callable[..., None]:
        def rename(source: Path, target: Path) -> None:
            move(source, target)
            events.append(Renamed(Path(source), Path(target)))

        return rename

    monkeypatch.setattr(os, "fsync", flush)
    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, recorded(getattr(os, name)))
    return events
