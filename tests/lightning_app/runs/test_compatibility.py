"""What a resumed run takes over from its first training. test_resume.py has the whole command."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import Namespace

from data_modules.catalog.source import MANIFEST, Source
from lightning_app.runs import compatibility
from lightning_app.runs.compatibility import (
    check_something_left,
    keep_cycle,
    lower_workers,
    source_of_training,
    use_own_cache,
    use_saved_split,
)
from lightning_app.runs.folder import Run
from lightning_app.runs.status import Status, write_status
from lightning_app.utils.errors import UsageError


def run_with(folder: Path, config: dict[str, Any], status: Status = "interrupted") -> Run:
    run = Run(folder)
    run.config.write_text(yaml.safe_dump(config), encoding="utf-8")
    write_status(run, status)
    return run


def checkpoint_after(epochs: int) -> dict[str, Any]:
    progress = {"epoch_progress": {"current": {"processed": epochs}}}
    return {"loops": {"fit_loop": progress}, "global_step": 4 * epochs}


def options(**values: Any) -> Namespace:
    return Namespace(**values)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("max_epochs", [0, 2, 3])
def test_a_finished_run_without_epochs_left_is_refused(max_epochs: int, tmp_path: Path) -> None:
    run = run_with(tmp_path, {}, "finished")

    with pytest.raises(UsageError, match=f"has its 3 epochs: .* which is {max_epochs};"):
        check_something_left(checkpoint_after(3), max_epochs, -1, run)


@pytest.mark.parametrize(
    ("status", "max_epochs", "max_steps"),
    [
        ("finished", 4, -1),
        ("finished", -1, 13),
        ("finished", None, -1),
        ("interrupted", 3, -1),
        ("interrupted", 4, 12),
    ],
)
def test_a_run_with_something_left_is_resumed(
    status: Status, max_epochs: int | None, max_steps: int, tmp_path: Path
) -> None:
    run = run_with(tmp_path, {}, status)
    check_something_left(checkpoint_after(3), max_epochs, max_steps, run)


def test_a_finished_run_without_steps_left_is_refused(tmp_path: Path) -> None:
    run = run_with(tmp_path, {}, "finished")
    with pytest.raises(UsageError, match=r"has its 12 steps: .* which is 12; -1 is no limit"):
        check_something_left(checkpoint_after(3), 4, 12, run)


@pytest.mark.parametrize(
    ("recorded", "written", "source"),
    [
        ({"kind": "files", "root": "/data"}, None, Source("files")),
        ({"kind": "phantom", "phantom_seed": "3"}, None, Source("phantom", "3")),
        ({"kind": "phantom"}, None, Source("phantom", "1")),
        ({"kind": "phantom", "root": "p"}, '{"seed": 2}', Source("phantom", "2")),
        ({"kind": "phantom", "root": "p"}, "{", Source("phantom", None)),
        ({"kind": "phantom", "root": "p"}, None, Source("phantom", None)),
    ],
)
def test_the_seed_of_a_phantom_is_known_of_runs_that_did_not_record_it(
    recorded: dict[str, str],
    written: str | None,
    source: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = run_with(tmp_path, {"data": {"phantom": {"seed": 1}}})
    prints = dict.fromkeys(("fingerprint", "split", "target", "slices", "eval_slices"), "middle")
    run.environment.write_text(json.dumps({"data": {**prints, **recorded}}), encoding="utf-8")
    if written is not None:
        Path("p").mkdir()
        Path("p", MANIFEST).write_text(written, encoding="utf-8")

    assert source_of_training(run) == source


@pytest.mark.parametrize(
    ("saved", "typed", "used"),
    [(8, 8, 2), (3, 3, 2), (2, 2, 2), (1, 1, 1), (0, 0, 0), (8, 4, 4), (1, 8, 8)],
)
def test_workers_are_lowered_to_what_the_machine_has_unless_the_user_chose_them(
    saved: int, typed: int, used: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compatibility, "most_workers", lambda: 2)
    run = run_with(tmp_path, {"data": {"num_workers": saved}})
    config = options(data=options(num_workers=typed))

    line = lower_workers(config, run)

    assert config.data.num_workers == used
    assert (line is not None) == (used != typed)


SPLIT = {
    "root": "data", "release": "auto", "phantom": None, "split_sizes": None, "split_seed": 0,
    "split_file": None,
}  # fmt: skip
FOLD = {"folds": 5, "fold": 2}


@pytest.mark.parametrize(
    ("saved", "typed", "used"),
    [
        (FOLD, {}, ("split.csv", None, 0)),
        ({"folds": None, "fold": 0}, {"folds": None, "fold": 0}, ("split.csv", None, 0)),
        ({}, {"folds": None, "fold": 0}, ("split.csv", None, 0)),  # of an earlier version
        (FOLD, {"split_sizes": "all-test"}, (None, None, 0)),
        (FOLD, {"split_seed": 1}, (None, 5, 2)),
        (FOLD, {"fold": 3}, (None, 5, 3)),
        ({}, FOLD, (None, 5, 2)),
    ],
)
def test_the_split_of_a_run_replaces_the_folds_by_which_it_was_made(
    saved: dict[str, Any],
    typed: dict[str, Any],
    used: tuple[str | None, int | None, int],
    tmp_path: Path,
) -> None:
    run = run_with(tmp_path, {"data": SPLIT | saved})
    data = options(**(SPLIT | saved | typed))

    use_saved_split(options(data=data), run)

    file = None if data.split_file is None else data.split_file.name
    assert (file, data.folds, data.fold) == used


@pytest.mark.parametrize(
    ("cycle", "epochs", "kept"), [(None, 5, 3), (None, 3, None), (7, 5, 7), (7, 3, 7)]
)
def test_a_cycle_that_followed_from_the_length_of_training_stays(
    cycle: int | None, epochs: int, kept: int | None, tmp_path: Path
) -> None:
    run = run_with(tmp_path, {"trainer": {"max_epochs": 3}})
    scheduler = options(init_args=options(T_0=cycle))
    config = options(lr_scheduler=scheduler, trainer=options(max_epochs=epochs))

    keep_cycle(config, run)

    assert kept == scheduler.init_args.T_0


def test_other_schedules_have_no_cycle_to_keep(tmp_path: Path) -> None:
    run = run_with(tmp_path, {"trainer": {"max_epochs": 3}})
    for scheduler in (None, options(init_args=options(gamma=0.1))):
        config = options(lr_scheduler=scheduler, trainer=options(max_epochs=5))
        before = config.clone()

        keep_cycle(config, run)

        assert config == before


@pytest.mark.parametrize(
    ("saved", "typed", "used"),
    [
        ("nowhere/cache", "nowhere/cache", "cache"),
        ("file/cache", "file/cache", "cache"),  # there, but no folder can hold a cache
        ("there/cache", "there/cache", "there/cache"),  # was deleted, and can be made again
        ("there", "there", "there"),
        ("nowhere/cache", "nowhere/mine", "nowhere/mine"),
        ("cache", "cache", "cache"),
    ],
)
def test_the_cache_of_another_machine_is_replaced_unless_the_user_chose_it(
    saved: str, typed: str, used: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    run = run_with(tmp_path, {"data": {"cache_dir": str(tmp_path / saved)}})
    config = options(data=options(cache_dir=tmp_path / typed))

    line = use_own_cache(config, run)

    assert config.data.cache_dir == tmp_path / used
    if used == typed:
        assert line is None
    else:
        assert line is not None
        assert f"is '{tmp_path / saved}' in '{run.config}'" in line
        assert f"'{tmp_path / used}' is used" in line
