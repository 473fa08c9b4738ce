"""Run folders of the folds of a cross-validation."""

from pathlib import Path
from typing import Any

from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_runs import Sizes, ToyRun

FOLDS = 3


def fold_run(cases: Sizes, number: int, **content: Any) -> ToyRun:
    """The run of a fold: every third case is tested, all others are of the training."""
    tested = {case: cases[case] for case in list(cases)[number::FOLDS]}
    data = {"split": f"fold-{number}", **content.pop("data", {})}
    others = [case for case in cases if case not in tested]
    return ToyRun(tested, fold=(number, FOLDS), others=others, data=data, **content)


def write_folds(root: Path, cases: Sizes, *, first: int = 0, **content: Any) -> list[Run]:
    """Write the runs of all folds, a second after each other, of which ``first`` is the first."""
    return [
        fold_run(cases, number, name=f"20260101-0000{first + number:02}-aaaaaa", **content).write(
            root
        )
        for number in range(FOLDS)
    ]
