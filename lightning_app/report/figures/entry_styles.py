"""How the entries of a report are drawn: a network has a colour, its settings are shades of it."""

from typing import NamedTuple

from lightning_app.report.load.cohorts import Cohort, EntryKey
from lightning_app.report.load.display_names import network_colours, shades

_LINES = ("-", "--", "-.", ":")
_MARKERS = ("o", "^", "s", "D", "v")


class EntryStyle(NamedTuple):
    """The style of an entry's lines and points."""

    colour: str
    line: str
    marker: str


def entry_styles(cohort: Cohort) -> dict[EntryKey, EntryStyle]:
    """The style of each entry; the same in all modalities for the same settings."""
    colours = network_colours([run.network for run in cohort.runs])
    variants: dict[str, list[EntryKey]] = {}
    for entry in cohort.entries:
        everywhere = entry.key._replace(modality="")
        if everywhere not in variants.setdefault(entry.network, []):
            variants[entry.network].append(everywhere)
    styles = {
        key: EntryStyle(shade, _LINES[index % len(_LINES)], _MARKERS[index % len(_MARKERS)])
        for network, keys in variants.items()
        for index, (key, shade) in enumerate(
            zip(keys, shades(colours[network], len(keys)), strict=True)
        )
    }
    return {entry.key: styles[entry.key._replace(modality="")] for entry in cohort.entries}
