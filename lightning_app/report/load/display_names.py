"""How runs, networks and modalities appear in tables and figures: names, colours and order.

A new network needs no entry: it falls back to its class name and a colour of its own. An entry
gives it a display name and a fixed place.
"""

import colorsys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lightning_app.runs.folder import ResultFolder, Run, TestFolder
from lightning_app.utils.text import printable


class NetworkStyle(NamedTuple):
    """How a network appears.

    Attributes:
        name: in tables and legends.
        colour: of its lines.
    """

    name: str
    colour: str


# In the order of tables. Okabe and Ito's colours, which colour-blind readers can distinguish.
NETWORKS = {
    "models.UNet": NetworkStyle("UNet", "#0072B2"),
    "models.AttentionUNet": NetworkStyle("Attention UNet", "#E69F00"),
    "models.AttentionUNetSPP": NetworkStyle("Attention UNet + SPP", "#009E73"),
    "models.AttentionUNetASPP": NetworkStyle("Attention UNet + ASPP", "#CC79A7"),
    "models.AttentionUNetASPPv2": NetworkStyle("Attention UNet + ASPP v2", "#000000"),
}
_FURTHER_COLOURS = ("#D55E00", "#56B4E9", "#8C564B", "#7F7F7F", "#BCBD22")
_AND = " and "
_HUE_STEP = 0.618034  # of the colour circle; by the golden ratio, so that no hue comes twice

_LIGHTEST = 0.6  # the share of white; more would vanish on a white page

MODALITIES = {"t1c": "T1c", "t2f": "FLAIR", "t2w": "T2w", "t1n": "T1"}


def run_name(run: ResultFolder) -> str:
    """The display name of a run or an ensemble: the last two parts of its path."""
    return printable(f"{run.experiment}/{run.path.name}")


def test_command(run: Run) -> str:
    """The command that tests a run."""
    return printable(f"python main.py test --run {run.quoted}")


def test_again(command: str, folder: TestFolder) -> str:
    """The command that repeats a test, from the command for the test split of the training."""
    return command + ("" if folder.is_of_training else ", with the same --data options,")


def network_name(class_path: str) -> str:
    """The display name of a network; of an unknown network the name of its class.

    Args:
        class_path: of the network; of several networks that are joined in ``several``.
    """
    names = (
        NETWORKS[path].name if path in NETWORKS else path.rpartition(".")[2]
        for path in class_path.split(_AND)
    )
    return _AND.join(names)


def several(class_paths: Iterable[str]) -> str:
    """Networks that predict together, each once."""
    return _AND.join(dict.fromkeys(class_paths))


def network_colours(class_paths: Sequence[str]) -> dict[str, str]:
    """The colour of each network; unknown ones get further colours, in alphabetical order."""
    unknown = sorted({path for path in class_paths if path not in NETWORKS})
    further = {path: _further_colour(index) for index, path in enumerate(unknown)}
    return {path: style.colour for path, style in NETWORKS.items()} | further


def shades(colour: str, number: int) -> list[str]:
    """So many shades of a colour (#RRGGBB): the colour itself, then lighter and lighter ones."""
    channels = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    shares = [_LIGHTEST * index / max(number - 1, 1) for index in range(number)]
    return [
        "#" + "".join(f"{round(channel + share * (255 - channel)):02X}" for channel in channels)
        for share in shares
    ]


def network_order(class_path: str) -> tuple[int, str]:
    """A sort key: networks of the table in its order, then all others by name."""
    return _rank(class_path, list(NETWORKS)), class_path


def modality_name(modality: str) -> str:
    """The display name of a modality, such as FLAIR; of several channels all their names."""
    return " + ".join(MODALITIES.get(part, part) for part in modality.split("+"))


def modality_order(modality: str) -> tuple[int, str]:
    """A sort key: the modalities in the order of the table, then all others by name."""
    return _rank(modality, list(MODALITIES)), modality


def _further_colour(index: int) -> str:
    """The colour of an unknown network: from the list, then hues spread over the colour circle."""
    if index < len(_FURTHER_COLOURS):
        return _FURTHER_COLOURS[index]
    rgb = colorsys.hls_to_rgb(index * _HUE_STEP % 1, 0.45, 0.8)
    return "#" + "".join(f"{round(255 * part):02X}" for part in rgb)


def _rank(name: str, names: list[str]) -> int:
    return names.index(name) if name in names else len(names)
