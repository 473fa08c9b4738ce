"""The figures of a cohort."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from callbacks.utils.atomic_write import atomic_write
from lightning_app.report.figures.entry_styles import entry_styles
from lightning_app.report.figures.examples import Gallery, title
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name
from lightning_app.report.tables.estimates import dice_by_case, pixels_by_case
from lightning_app.results.plots import COLOURS, overlay, take_literally

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAGE_DPI = 80  # keeps the page small
_PANEL_CHARACTERS = 28  # of a title of figure 3
_LEGEND_HANDLE, _LEGEND_CHARACTER = 0.6, 0.08  # in inches


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


def all_drawings(cohort: Cohort, galleries: Sequence[Gallery]) -> Iterator[Drawing]:
    """Every figure in the order of the page; each is drawn when it is asked for."""
    origin = "Data: synthetic phantom" if cohort.data.kind == "phantom" else ""
    for gallery in galleries:
        yield _figure_3(gallery, origin)
    yield _training(cohort, origin)
    yield _dice_against_size(cohort, origin)


def _figure_3(gallery: Gallery, origin: str) -> Drawing:
    """Rows of image, ground truth and the networks' masks."""
    from matplotlib.patches import Patch

    chosen, networks = gallery.chosen(), len(gallery.entries)
    figure = _new_figure(1.9 * (2 + networks), 2.05 * len(chosen) + 0.6, origin)
    axes = figure.subplots(len(chosen), 2 + networks, squeeze=False)
    for row, (case, rank) in zip(axes, chosen.items(), strict=True):
        image, reference = gallery.masks[0].images[case], gallery.masks[0].reference[case]
        predictions = [masks.prediction[case] for masks in gallery.masks]
        shown = [np.zeros_like(reference), reference, *predictions]
        for axis, masks in zip(row, shown, strict=True):
            axis.imshow(overlay(image, masks))
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{rank}\n{gallery.cases[case]}", fontsize=6)
        for network, axis in enumerate(row[2:]):
            scores = " / ".join(f"{dice:.3f}" for dice in gallery.dice(network, case))
            axis.set_xlabel(f"Dice {scores}", fontsize=7)
    heads = ["image", "ground truth", *(_wrapped(entry) for entry in gallery.entries)]
    for axis, head in zip(axes[0], heads, strict=True):
        axis.set_title(head, fontsize=8)
    handles = [Patch(color=c, label=n) for c, n in zip(COLOURS, gallery.classes, strict=False)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    notes = [gallery.rule, "Dice is that of the slice.", *gallery.notes]
    return Drawing(f"figure3_{gallery.modality}", f"Figure 3, {title(gallery)}", notes, figure)


def _training(cohort: Cohort, origin: str) -> Drawing:
    """Validation Dice over epochs."""
    styles = entry_styles(cohort)
    figure = _new_figure(3.6 * len(cohort.modalities), 3.6, origin)
    axes = figure.subplots(1, len(cohort.modalities), squeeze=False, sharey=True)[0]
    for axis, modality in zip(axes, cohort.modalities, strict=True):
        for entry in cohort.of(modality):
            style = styles[entry.key]
            for run in entry.runs:
                epochs, dice = zip(*run.history, strict=True) if run.history else ((), ())
                axis.plot(
                    epochs, dice, color=style.colour, ls=style.line, label=entry.name,
                    lw=1.2, marker=".", ms=3,
                )  # fmt: skip
        axis.set(title=modality_name(modality), xlabel="epoch", ylim=(0, 1))
    axes[0].set_ylabel("validation Dice (val/dice)")
    _legend(figure, axes.tolist())
    return Drawing("training", "Training: validation Dice", ["One line for each seed."], figure)


def _dice_against_size(cohort: Cohort, origin: str) -> Drawing:
    """Dice of each case against the size of the class in the ground truth."""
    styles = entry_styles(cohort)
    rows, columns = len(cohort.classes), len(cohort.modalities)
    figure = _new_figure(3.6 * columns, 3.0 * rows + 0.6, origin)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for (index, column), axis in np.ndenumerate(axes):
        for entry in cohort.of(cohort.modalities[column]):
            pixels, dice = pixels_by_case(entry, index), dice_by_case(entry, index)
            present = pixels > 0
            style = styles[entry.key]
            axis.scatter(
                pixels[present], dice[present], s=9, color=style.colour, marker=style.marker,
                alpha=0.7, label=entry.name,
            )  # fmt: skip
        name = f"{modality_name(cohort.modalities[column])}, {cohort.classes[index]}"
        axis.set(title=name, xlabel="ground truth pixels in the tested slices", ylim=(-0.02, 1.02))
    for axis in axes[:, 0]:
        axis.set_ylabel("Dice of the case")
    _legend(figure, axes.ravel().tolist())
    notes = ["Cases without the class are left out. Several seeds are averaged."]
    return Drawing("tumour_size", "Dice against tumour size", notes, figure)


def _new_figure(width: float, height: float, origin: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    if origin:
        figure.suptitle(origin, fontsize=9, x=0.01, ha="left")
    return figure


def _wrapped(entry: Entry) -> str:
    """The name of an entry, in lines that fit above a panel."""
    return "\n".join(textwrap.wrap(entry.name, _PANEL_CHARACTERS))


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all axes, with each entry once, in as many columns as fit."""
    shown: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    widths = [_LEGEND_HANDLE + _LEGEND_CHARACTER * len(label) for label in shown]
    width = figure.get_figwidth()
    columns = len(shown) if sum(widths) < width else max(1, int(width / max(widths)))
    figure.legend(shown.values(), shown, loc="outside lower center", ncols=columns, frameon=False)
