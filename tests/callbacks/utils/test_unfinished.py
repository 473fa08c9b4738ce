"""Which unfinished files are removed."""

import os
from pathlib import Path

import pytest

from callbacks.utils.unfinished import (
    earlier_path,
    leftovers,
    remove_leftovers,
    remove_unfinished,
    unfinished_path,
)
from tests.helpers.runs.unfinished import (
    unfinished_of,
    unfinished_of_dead_process,
    unfinished_of_live_process,
)

DAYS_S = 3 * 24 * 3600
OTHER_HOST = ".mask.nii.gz.000000-1-abcdef-0.part"
EARLIER_VERSION = ".part-x1y2z3ab_mask.nii.gz"


def test_an_unfinished_name_is_hidden_and_ends_in_part_and_is_new(tmp_path: Path) -> None:
    one, two = (unfinished_path(tmp_path / "mask.nii.gz") for _ in range(2))
    assert one != two
    assert one.parent == tmp_path
    assert one.name.startswith(".mask.nii.gz.")
    assert one.suffix == ".part"


def test_only_what_dead_processes_left_is_removed(tmp_path: Path) -> None:
    final = tmp_path / "mask.nii.gz"
    restarted = unfinished_of(os.getpid(), final)  # an earlier process with our id
    left = [unfinished_of_dead_process(final), restarted]
    kept = [
        unfinished_path(final),
        unfinished_of_live_process(final),
        tmp_path / ".film.part",
        tmp_path / ".part-of-my-thesis",
        tmp_path / "mask.nii.gz",
    ]
    for path in (*left, *kept):
        path.touch()
    folder = unfinished_of_dead_process(tmp_path / "report")
    (folder / "group-2").mkdir(parents=True)

    remove_leftovers(tmp_path)

    assert sorted(tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize("name", [OTHER_HOST, EARLIER_VERSION])
def test_what_may_be_written_by_another_machine_is_removed_once_it_is_old(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.touch()
    remove_leftovers(tmp_path)
    assert path.exists()

    now = path.stat().st_mtime
    os.utime(path, (now - DAYS_S, now - DAYS_S))
    remove_leftovers(tmp_path)
    assert not path.exists()


def test_leftovers_are_what_would_be_deleted_and_not_what_would_be_put_back(
    tmp_path: Path,
) -> None:
    final = tmp_path / "test"
    left = unfinished_of_dead_process(tmp_path / "last.ckpt")
    earlier = earlier_path(unfinished_of_dead_process(final))
    for path in (left, earlier, unfinished_of_live_process(tmp_path / "best.ckpt")):
        path.touch()
    assert leftovers(tmp_path) == [left]

    final.touch()
    assert leftovers(tmp_path) == sorted([left, earlier])


def test_the_holder_of_a_lock_removes_everything_unfinished(tmp_path: Path) -> None:
    names = (OTHER_HOST, EARLIER_VERSION, unfinished_of_live_process(tmp_path / "last.ckpt").name)
    for name in (*names, "last.ckpt"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_folder_is_put_back_if_a_kill_came_before_its_replacement(
    is_replaced: bool, tmp_path: Path
) -> None:
    final = tmp_path / "test"
    if is_replaced:
        final.mkdir()
        (final / "metrics.json").write_text("new")
    earlier = earlier_path(unfinished_of_dead_process(final))
    earlier.mkdir()
    (earlier / "metrics.json").write_text("old")

    remove_leftovers(tmp_path)

    assert list(tmp_path.iterdir()) == [final]
    assert (final / "metrics.json").read_text() == ("new" if is_replaced else "old")


def test_a_folder_that_does_not_exist_has_no_leftovers(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "none")
