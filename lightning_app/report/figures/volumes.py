"""Figures of the scores of volumes: a dot for each patient."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.volume.surface import PENALTY
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.figures.drawing import Drawing, add_legend, new_figure
from lightning_app.report.figures.entry_styles import EntryStyle, entry_styles
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name
from lightning_app.report.tables.estimates import patient_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCORE = {score.name: score for score in VOLUME_SCORES}
_DRAWN = ("dice", "nsd", "hd95", "lesion_dice")
_AGAINST_VOLUME = ("dice", "nsd", "lesion_dice")
_LINEAR_MM = 5.0  # hd95 is drawn linearly up to here, then logarithmically: 374 must fit
_DOTS_NOTE = (
    "One dot for each patient, a mean over scans and seeds, with a line between the dots of a "
    "patient; the bar is the mean over patients."
)
_DISTANCE_NOTE = (
    f"hd95 is drawn on a logarithmic scale above {_LINEAR_MM:g} mm; {PENALTY:g} mm stands for a "
    "missed or an invented tumour."
)
_ROW, _COLUMN = 2.6, 3.6  # size of a panel in inches
_LINE = 26  # characters in a line of a label
_LETTER, _LABEL_LINE = 0.05, 0.2  # in inches, at 45 degrees: height of a character, width of a line


def volume_drawings(cohort: Cohort, origin: str) -> Iterator[Drawing]:
    """Two figures for each class; none if a run lacks scores of volumes."""
    for index, target in enumerate(cohort.classes):
        values = {name: _values(cohort, index, name) for name in _DRAWN}
        known = [name for name, by_entry in values.items() if _are_known(by_entry)]
        if not known:
            continue
        yield _patients(cohort, target, {name: values[name] for name in known}, origin)
        if "lesion_dice" in known:  # cases are volumes
            sizes = _values(cohort, index, "volume_reference_ml")
            scores = {name: values[name] for name in _AGAINST_VOLUME}
            yield _against_volume(cohort, target, sizes, scores, origin)


_ByEntry = list[tuple[Entry, Floats | None]]


def _values(cohort: Cohort, index: int, name: str) -> _ByEntry:
    """A score of each patient, of each entry."""
    return [(entry, patient_values(entry, index, _SCORE[name])) for entry in cohort.entries]


def _are_known(by_entry: _ByEntry) -> bool:
    """Whether all entries have a score, for at least one patient."""
    return all(values is not None and np.isfinite(values).any() for _, values in by_entry)


def _patients(cohort: Cohort, target: str, scores: Mapping[str, _ByEntry], origin: str) -> Drawing:
    """A dot for each patient, networks side by side, lines between the dots of a patient."""
    styles = entry_styles(cohort)
    rows, columns = len(scores), len(cohort.modalities)
    labels = [_label(entry) for entry in cohort.entries]
    below = _LETTER * max(len(line) for label in labels for line in label)
    labels_width = (
        _LABEL_LINE * max(map(len, labels)) * max(len(cohort.of(m)) for m in cohort.modalities)
    )
    figure = new_figure(max(_COLUMN, labels_width) * columns, _ROW * rows + 0.4 + below, origin)
    axes = figure.subplots(rows, columns, squeeze=False, sharey="row", sharex="col")
    for (name, by_entry), row in zip(scores.items(), axes, strict=True):
        for modality, axis in zip(cohort.modalities, row, strict=True):
            shown = [(e, values) for e, values in by_entry if e.modality == modality]
            _dots(axis, [(styles[e.key], _label(e), v) for e, v in shown if v is not None])
            _scale(axis, name)
        row[0].set_ylabel(_SCORE[name].heading)
    for modality, axis in zip(cohort.modalities, axes[0], strict=True):
        axis.set_title(modality_name(modality))
    notes = [_DOTS_NOTE, *([_DISTANCE_NOTE] if "hd95" in scores else [])]
    return Drawing(f"patients_{target}", f"Scores of each patient, {target}", notes, figure)


def _label(entry: Entry) -> list[str]:
    """The name of an entry in lines."""
    return textwrap.wrap(entry.name, _LINE)


def _dots(axis: Axes, shown: Sequence[tuple[EntryStyle, list[str], Floats]]) -> None:
    places = range(len(shown))
    for patient in np.stack([values for _, _, values in shown], axis=1):
        axis.plot(places, patient, color="0.8", lw=0.6, zorder=1)
    for place, (style, _, values) in zip(places, shown, strict=True):
        axis.scatter(
            np.full(len(values), place), values, s=10, color=style.colour, marker=style.marker,
            alpha=0.7, zorder=2,
        )  # fmt: skip
        axis.plot([place - 0.25, place + 0.25], [np.nanmean(values)] * 2, color=style.colour, lw=2)
    axis.set_xlim(-0.5, len(shown) - 0.5)
    labels = ["\n".join(label) for _, label, _ in shown]
    axis.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)


def _scale(axis: Axes, name: str) -> None:
    low, high = _SCORE[name].bounds
    if high == 1:
        axis.set_ylim(low - 0.02, high + 0.02)
        return
    axis.set_yscale("symlog", linthresh=_LINEAR_MM)
    axis.set_ylim(-0.3, 1.2 * high)
    ticks = [0, 1, 2, 5, 10, 20, 50, 100, high]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()


def _against_volume(
    cohort: Cohort, target: str, sizes: _ByEntry, scores: Mapping[str, _ByEntry], origin: str
) -> Drawing:
    """Scores of each patient against the volume of the class in the ground truth."""
    from matplotlib.ticker import LogLocator

    styles = entry_styles(cohort)
    rows, columns = len(scores), len(cohort.modalities)
    figure = new_figure(_COLUMN * columns, _ROW * rows + 0.6, origin)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for (name, by_entry), row in zip(scores.items(), axes, strict=True):
        for (entry, values), (_, volumes) in zip(by_entry, sizes, strict=True):
            if values is None or volumes is None:
                continue
            style, present = styles[entry.key], volumes > 0
            row[cohort.modalities.index(entry.modality)].scatter(
                volumes[present], values[present], s=10, color=style.colour, marker=style.marker,
                alpha=0.7, label=entry.name,
            )  # fmt: skip
        row[0].set(ylabel=name, ylim=(-0.02, 1.02), xscale="log")
    for modality, top, bottom in zip(cohort.modalities, axes[0], axes[-1], strict=True):
        top.set_title(modality_name(modality))
        bottom.set_xlabel("volume in the ground truth (ml)")
        bottom.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bottom.xaxis.set_major_formatter("{x:g}")
        bottom.xaxis.set_minor_formatter("")
    add_legend(figure, axes.ravel().tolist())
    notes = ["One dot for each patient who has the class, a mean over scans and seeds."]
    return Drawing(
        f"tumour_volume_{target}", f"Score against tumour volume, {target}", notes, figure
    )
