"""Warns of volumes that are unlike what a network was trained on."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from data_modules.utils.words import number_range

SPACING_TOLERANCE = 0.1  # share by which a spacing may lie outside those of the training data

_log = logging.getLogger(__name__)


class TrainedOn(Protocol):
    """The data of a training: its slices, and its spacing in mm by axis."""

    @property
    def slices(self) -> str | list[int]:
        """Which slices the training took."""

    @property
    def spacing(self) -> Mapping[str, Sequence[float]]:
        """Lowest and highest by axis."""


def warn_of_unseen_slices(*trained_on: TrainedOn) -> None:
    """Warn if a network was trained on some slices only."""
    trained = {str(data.slices): data.slices for data in trained_on}
    for slices in trained.values():
        if slices == "middle" or isinstance(slices, list):
            _log.warning(
                "This network was trained on %s only: it has not seen the ends of the head",
                "middle slices" if slices == "middle" else f"slices {slices}",
            )


def warn_of_spacing(case: str, spacing: Sequence[float], *trained_on: TrainedOn) -> None:
    """Warn if a case has another spacing (x, y, z in mm) than the training data of a network."""
    for axis, value in zip("xyz", spacing, strict=True):
        # An earlier version did not record the spacing.
        ranges = {tuple(data.spacing[axis]) for data in trained_on if axis in data.spacing}
        for low, high in sorted(ranges):
            if not low * (1 - SPACING_TOLERANCE) <= value <= high * (1 + SPACING_TOLERANCE):
                _log.warning(
                    "%s: spacing %g mm along %s, the network was trained on %s mm",
                    case,
                    value,
                    axis,
                    number_range(f"{low:g}", f"{high:g}"),
                )
