"""The window of each case: the part of its slices that a network gets, centred on the brain.

A window stays inside the frame, which is a slice of ``data.image_size``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_modules.cache.memmap import SliceArray
from data_modules.catalog.cases import Case
from data_modules.io.brain_box import Box, union
from data_modules.utils.errors import DataError
from data_modules.utils.problems import by
from data_modules.utils.words import counted

Size = tuple[int, int]  # height, width
AUTO: Literal["auto"] = "auto"
WindowChoice = Size | Literal["auto"] | None
STEP = 16  # the networks halve height and width four times
_CASES_SHOWN = 3  # in a line of a log


class Window(NamedTuple):
    """Its first row and column in the frame, and its size."""

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def around(cls, brain: Box, size: Size, frame: Size) -> "Window":
        """The window of a size that is centred on a brain, as far as the frame allows."""
        middles = (brain.top + brain.bottom, brain.left + brain.right)
        top, left = (
            min(max((middle - length) // 2, 0), limit - length)
            for middle, length, limit in zip(middles, size, frame, strict=True)
        )
        return cls(top, left, *size)

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its rows and columns, to index the last two axes of slices."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


@dataclass(frozen=True)
class Windows:
    """The windows of the cases of a split.

    Attributes:
        brains: For each case, the box around its brain in the frame.
        sizes: For each case, height and width of its window.
        frame: Height and width of the frame.
    """

    brains: Sequence[Box]
    sizes: Sequence[Size]
    frame: Size

    @classmethod
    def of_split(cls, split: str, brains: Sequence[Box], size: Size, frame: Size) -> "Windows":
        """The windows of a split: all of one size in training.

        In validation and test a brain that does not fit gets a larger one, so that scores count all
        of it.
        """
        if split == "train":
            return cls(brains, [size] * len(brains), frame)
        return cls(brains, [size_to_hold([brain], size, frame) for brain in brains], frame)

    def of_case(self, case: int) -> Window:
        """The window of a case, by its index."""
        return Window.around(self.brains[case], self.sizes[case], self.frame)

    def of_batch(self, cases: Sequence[int]) -> list[Window]:
        """Windows of one size, in which those of all cases of a batch fit."""
        height, width = np.max([self.sizes[case] for case in cases], axis=0).tolist()
        return [Window.around(self.brains[case], (height, width), self.frame) for case in cases]

    def size_index(self) -> NDArray[np.int64]:
        """For each case, a number that cases with windows of the same size share."""
        if not self.sizes:
            return np.empty(0, np.int64)
        _, index = np.unique(np.array(self.sizes), axis=0, return_inverse=True)
        return index.reshape(-1).astype(np.int64)


class BrainWindow:
    """The option ``data.window`` with what follows from it once cases and brains are known.

    Args:
        choice: The value of the option.
        frame: Height and width of the slices.

    Attributes:
        choice: The value of the option.
        size: Height and width in training; None for whole slices, and for ``auto`` before ``find``.
        by_split: The windows of each split; empty for whole slices.

    Raises:
        DataError: Height or width is not a multiple of 16, or exceeds that of the slices.
    """

    def __init__(self, choice: WindowChoice, frame: Size) -> None:
        _check(choice, frame)
        self.choice = choice
        self.size = None if choice == AUTO else choice
        self.by_split: dict[str, Windows] = {}
        self._frame = frame

    @property
    def input_size(self) -> Size:
        """Height and width that the network gets in training, as far as is known."""
        return self.size or self._frame

    def find(
        self, splits: Mapping[str, Sequence[Case]], arrays: Mapping[str, Sequence[SliceArray]]
    ) -> Iterator[str]:
        """Find the windows of all cases.

        Args:
            splits: The cases of each split.
            arrays: The arrays of the modalities, followed by that of the labels, by part.

        Yields:
            Lines about the size that was found, and about brains that do not fit.

        Raises:
            DataError: The size is to be found from training cases, and there are none.
        """
        if self.choice is None:
            return
        *images, _ = arrays["train"]
        brains = {split: _brains(cases, images) for split, cases in splits.items()}
        if self.choice == AUTO:
            self.size = _size_to_hold_all(brains["train"], self._frame)
            yield f"data.window is auto: {by(self.size)}, which holds all brains of split train"
        for split, boxes in brains.items():
            windows = Windows.of_split(split, boxes, self.input_size, self._frame)
            self.by_split[split] = windows
            yield from _remarks(split, splits[split], windows, self.input_size)


def size_to_hold(brains: Sequence[Box], least: Size, frame: Size) -> Size:
    """The smallest window of at least some size that holds brains.

    In a direction in which that size does not suffice it is a multiple of 16, or the frame's length
    if that is smaller.
    """
    height, width = (
        max(length, *(min(-(-brain.size[axis] // STEP) * STEP, limit) for brain in brains))
        for axis, (length, limit) in enumerate(zip(least, frame, strict=True))
    )
    return height, width


def _check(choice: WindowChoice, frame: Size) -> None:
    if choice is None or choice == AUTO:
        return
    fits = all(0 < length <= limit for length, limit in zip(choice, frame, strict=True))
    if not fits or any(length % STEP for length in choice):
        raise DataError(
            f"data.window is {list(choice)}, expected auto, or height and width that are "
            f"multiples of {STEP} and at most those of data.image_size, {list(frame)}"
        )


def _brains(cases: Sequence[Case], images: Sequence[SliceArray]) -> list[Box]:
    """For each case, the box that holds its brain in all modalities."""
    return [union(Box(*array.brains[case.id]) for array in images) for case in cases]


def _size_to_hold_all(brains: Sequence[Box], frame: Size) -> Size:
    if not brains:
        raise DataError(
            "data.window is auto, but there is no training case whose brain it is to hold: give "
            "height and width"
        )
    return size_to_hold(brains, (STEP, STEP), frame)


def _remarks(split: str, cases: Sequence[Case], windows: Windows, size: Size) -> Iterator[str]:
    """A line about the brains of a split that do not fit into the training's windows, if any."""
    larger = [
        index
        for index, brain in enumerate(windows.brains)
        if any(length > limit for length, limit in zip(brain.size, size, strict=True))
    ]
    if not larger:
        return
    larger.sort(key=lambda index: -max(windows.brains[index].size))
    shown = [
        f"{cases[index].id}: brain {by(windows.brains[index].size)}"
        + ("" if split == "train" else f", window {by(windows.sizes[index])}")
        for index in larger[:_CASES_SHOWN]
    ]
    if len(larger) > _CASES_SHOWN:
        shown.append(f"and {len(larger) - _CASES_SHOWN} more")
    what = "are cut off" if split == "train" else "get a larger window"
    yield (
        f"brains of split {split} that do not fit data.window {by(size)} and {what}: "
        f"{len(larger)} of {counted(len(cases), 'case')} ({'; '.join(shown)})"
    )
