"""A figure of a report: how it is begun, its legend, and how it is written."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callbacks.utils.atomic_write import atomic_write
from lightning_app.results.plots import take_literally

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAGE_DPI = 80  # keeps the page small
_LEGEND_HANDLE, _LEGEND_CHARACTER, _LEGEND_ROW = 0.6, 0.085, 0.21  # in inches


@dataclass(frozen=True)
class Drawing:
    """A figure with its title and notes.

    Attributes:
        name: of its files.
        title: above the figure.
        notes: below the figure.
        figure: as matplotlib draws it.
    """

    name: str
    title: str
    notes: Sequence[str]
    figure: Figure

    def __post_init__(self) -> None:
        take_literally(self.figure)

    def write(self, folder: Path) -> None:
        """Write it as PNG and PDF."""
        with atomic_write(folder / f"{self.name}.png") as temporary:
            self.figure.savefig(temporary, dpi=150, format="png")
        with atomic_write(folder / f"{self.name}.pdf") as temporary:
            undated = {"CreationDate": None}
            self.figure.savefig(temporary, dpi=150, format="pdf", metadata=undated)

    def small_png(self) -> bytes:
        """A PNG of 256 colours, for the page."""
        from PIL import Image

        drawn, packed = io.BytesIO(), io.BytesIO()
        self.figure.savefig(drawn, dpi=_PAGE_DPI, format="png")
        Image.open(drawn).convert("RGB").quantize(256).save(packed, "PNG", optimize=True)
        return packed.getvalue()


def new_figure(width: float, height: float, origin: str) -> Figure:
    """An empty figure, its size in inches; ``origin`` names the data if it is not empty."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    if origin:
        figure.suptitle(origin, fontsize=9, x=0.01, ha="left")
    return figure


def add_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all axes, with each entry once, in as many columns as fit.

    Every further row makes the figure higher, so that the axes keep their size.
    """
    shown: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    longest = int((figure.get_figwidth() - _LEGEND_HANDLE) / _LEGEND_CHARACTER)
    lines = [textwrap.wrap(label, longest) for label in shown]
    widths = [_LEGEND_HANDLE + _LEGEND_CHARACTER * max(map(len, label)) for label in lines]
    width = figure.get_figwidth()
    columns = len(shown) if sum(widths) < width else max(1, int(width / max(widths)))
    further_rows = math.ceil(sum(map(len, lines)) / columns) - 1
    figure.set_figheight(figure.get_figheight() + _LEGEND_ROW * further_rows)
    figure.legend(
        shown.values(), map("\n".join, lines), loc="outside lower center", ncols=columns,
        frameon=False,
    )  # fmt: skip
