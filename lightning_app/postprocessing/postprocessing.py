"""A post-processing: the threshold of the probabilities, then operations on the masks."""

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np

from lightning_app.metrics.volume.masks import Spacing, bounding_box
from lightning_app.postprocessing.operations import (
    ENHANCING,
    LargestComponent,
    Masks,
    Operation,
    SmallEnhancingToCore,
    SmallestComponent,
)

HALF = 0.5
_OPERATIONS: Mapping[str, type[Any]] = {
    operation.name: operation
    for operation in (SmallestComponent, LargestComponent, SmallEnhancingToCore)
}


@dataclass(frozen=True)
class Postprocessing:
    """What is done to the output of a network.

    Attributes:
        threshold: a voxel belongs to a class if its probability is above it; one half if classes
            exclude one another, which the most probable one wins.
        operations: on the masks, in this order.
    """

    threshold: float = HALF
    operations: tuple[Operation, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the masks are those of a network by itself."""
        return self == NOTHING

    @property
    def in_words(self) -> str:
        """What is done, in a few words; "none" if it is nothing."""
        threshold = [f"threshold {self.threshold:g}"] if self.threshold != HALF else []
        words = [*threshold, *(operation.in_words for operation in self.operations)]
        return ", ".join(words) or "none"

    def then(self, operation: Operation) -> Self:
        """The same with an operation more."""
        return replace(self, operations=(*self.operations, operation))

    def why_unfit(self, classes: Sequence[str], *, exclusive: bool) -> str | None:
        """Why it cannot be applied to some classes; None if it can.

        Args:
            classes: their names.
            exclusive: whether they exclude one another.
        """
        if exclusive and self.threshold != HALF:
            return f"the threshold is {self.threshold:g}, and its classes exclude one another"
        names = {operation.name for operation in self.operations}
        if SmallEnhancingToCore.name in names and ENHANCING not in classes:
            return f"{SmallEnhancingToCore.name} needs the class '{ENHANCING}'"
        return None

    def apply(self, masks: Masks, classes: Sequence[str], spacing: Spacing) -> Masks:
        """The masks of a case after the operations, bool (classes, D, H, W).

        Args:
            masks: at the threshold.
            classes: their names.
            spacing: distance between voxels in mm along z, y, x.
        """
        if not self.operations:
            return masks
        box = bounding_box(np.any(masks, axis=0))
        changed = masks[:, *box]
        for operation in self.operations:
            changed = operation.apply(changed, classes, spacing)
        result = masks.copy()
        result[:, *box] = changed
        return result

    def to_json(self) -> dict[str, Any]:
        """What ``from_json`` reads."""
        operations = [{"name": o.name, **asdict(o)} for o in self.operations]  # type: ignore[call-overload]
        return {"threshold": self.threshold, "operations": operations}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gives; further keys are left alone.

        Raises:
            ValueError: in one line, what is wrong with it.
        """
        threshold: Any = content.get("threshold")
        if not _is_number(threshold) or not 0 < threshold < 1:
            found = reprlib.repr(threshold)
            raise ValueError(f"threshold is {found}, expected a number between 0 and 1")
        operations: Any = content.get("operations")
        is_list = isinstance(operations, list)
        if not is_list:
            raise ValueError(f"operations is {reprlib.repr(operations)}, expected a list")
        return cls(float(threshold), tuple(map(_operation, operations)))


NOTHING = Postprocessing()


def _operation(content: Any) -> Operation:
    name: Any = content.get("name") if isinstance(content, dict) else content
    if not isinstance(content, dict) or str(name) not in _OPERATIONS:
        found = reprlib.repr(name)
        raise ValueError(f"an operation is {found}, expected one of {', '.join(_OPERATIONS)}")
    kind = _OPERATIONS[name]
    expected, values = [field.name for field in fields(kind)], {**content}
    del values["name"]
    if values.keys() != set(expected):
        found = reprlib.repr(sorted(map(str, values)))
        raise ValueError(f"{name} has {found}, expected {', '.join(expected) or 'nothing'}")
    for key, value in values.items():
        if not _is_number(value) or value <= 0:
            raise ValueError(f"{key} of {name} is {reprlib.repr(value)}, expected a number above 0")
    operation: Operation = kind(**values)
    return operation


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
