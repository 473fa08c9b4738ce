"""The curve: Dice on the test patients over minutes of training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy.settings import MONAI, PAPER, REAL, SETTINGS, SMP
from benchmarks.accuracy.tables import Pooled, pooled
from benchmarks.accuracy.training import FOLDS

COLOURS = {PAPER: "#666666", REAL: "#d55e00", MONAI: "#0072b2", SMP: "#009e73"}


def draw(folder: Path, path: Path) -> None:
    """Draw the settings whose folds are complete; nothing if there is none."""
    from matplotlib.figure import Figure

    every = {setting: pooled(folder, setting, FOLDS) for setting in COLOURS}
    found = {setting: outcome for setting, outcome in every.items() if outcome}
    if not found:
        return
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for setting, outcome in found.items():
        minutes, dice = _mean_curve(outcome)
        axes.plot(minutes, dice, "o-", color=COLOURS[setting], label=SETTINGS[setting].title)
    axes.set_xlabel("minutes of CPU time, one thread")
    axes.set_ylabel("mean Dice of unseen patients")
    axes.set_title(f"{folder.name}: {FOLDS} folds, weights of the epoch at hand")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=150)


def _mean_curve(outcome: Pooled) -> tuple[Sequence[float], Sequence[float]]:
    """The means over folds, weighted by their patients."""
    weights = [len(fold.cases) for fold in outcome.outcomes]
    points = [fold.curve for fold in outcome.outcomes]
    minutes = np.average([[point.minutes for point in curve] for curve in points], 0, weights)
    dice = np.average([[point.dice for point in curve] for curve in points], 0, weights)
    return minutes.tolist(), dice.tolist()
