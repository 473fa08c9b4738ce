"""The figures of a cohort."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

from lightning_app.report.figures.drawing import Drawing, add_legend, new_figure
from lightning_app.report.figures.entry_styles import entry_styles
from lightning_app.report.figures.examples import Gallery, title
from lightning_app.report.figures.volumes import volume_drawings
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name
from lightning_app.report.tables.estimates import dice_by_case, pixels_by_case
from lightning_app.results.plots import COLOURS, overlay

_PANEL_CHARACTERS = 28  # of a title of figure 3


def all_drawings(cohort: Cohort, galleries: Sequence[Gallery]) -> Iterator[Drawing]:
    """Every figure in the order of the page; each is drawn when it is asked for."""
    origin = "Data: synthetic phantom" if cohort.data.kind == "phantom" else ""
    for gallery in galleries:
        yield _figure_3(gallery, origin)
    if any(run.history for run in cohort.trainings):
        yield _training(cohort, origin)
    yield _dice_against_size(cohort, origin)
    yield from volume_drawings(cohort, origin)


def _figure_3(gallery: Gallery, origin: str) -> Drawing:
    """Rows of image, ground truth and the networks' masks."""
    from matplotlib.patches import Patch

    chosen, networks = gallery.chosen(), len(gallery.entries)
    figure = new_figure(1.9 * (2 + networks), 2.05 * len(chosen) + 0.6, origin)
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
    figure = new_figure(3.6 * len(cohort.modalities), 3.6, origin)
    axes = figure.subplots(1, len(cohort.modalities), squeeze=False, sharey=True)[0]
    for axis, modality in zip(axes, cohort.modalities, strict=True):
        for entry in cohort.of(modality):
            style = styles[entry.key]
            for run in filter(lambda run: run.history, entry.trainings):  # ensembles have none
                axis.plot(
                    [epoch.number + 1 for epoch in run.history],
                    [epoch.dice for epoch in run.history],
                    color=style.colour, ls=style.line, label=entry.name, lw=1.2, marker=".", ms=3,
                )  # fmt: skip
        axis.set(title=modality_name(modality), xlabel="epoch", ylim=(0, 1))
    axes[0].set_ylabel("validation Dice (val/dice)")
    add_legend(figure, axes.tolist())
    notes = [f"One line for each seed{' and fold' if cohort.folds else ''}."]
    return Drawing("training", "Training: validation Dice", notes, figure)


def _dice_against_size(cohort: Cohort, origin: str) -> Drawing:
    """Dice of each case against the size of the class in the ground truth."""
    styles = entry_styles(cohort)
    rows, columns = len(cohort.classes), len(cohort.modalities)
    figure = new_figure(3.6 * columns, 3.0 * rows + 0.6, origin)
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
    add_legend(figure, axes.ravel().tolist())
    notes = ["Cases without the class are left out. Several seeds are averaged."]
    return Drawing("tumour_size", "Dice against tumour size", notes, figure)


def _wrapped(entry: Entry) -> str:
    """The name of an entry, in lines that fit above a panel."""
    return "\n".join(textwrap.wrap(entry.name, _PANEL_CHARACTERS))
