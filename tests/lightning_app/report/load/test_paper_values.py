"""The figures that the paper prints, typed a second time."""

import inspect
import re

import pytest

from lightning_app.report.load.paper_values import (
    NETWORK_ARGUMENTS,
    PRINTED,
    WHAT_CAN_BE_COMPARED,
    Printed,
)
from lightning_app.utils.private_api import import_object
from tests.helpers.paths import ROOT

# Percentages and times as printed; a dash if our copy has no legible value.
TABLE_1 = """
                   FLAIR                T1c                  T2w
                   DSC   mIoU  Acc      DSC   mIoU  Acc      DSC   mIoU  Acc
UNet             | -     -     -      | -     -     -      | -     38.59 -
AttentionUNet    | 78.30 44.31 99.15  | 64.71 37.91 98.64  | 71.63 38.73 98.91
AttentionUNetSPP | -     -     -      | -     -     -      | -     -     -
AttentionUNetASPP| 79.75 45.83 99.17  | 68.76 41.13 98.74  | 75.46 42.49 99.04
"""
TABLE_2 = """
                   FLAIR                T1c                  T2w
                   Training    Test     Training    Test     Training    Test
UNet             | 141min27.5s 13.8s  | 141min15.6s 13.6s  | 26min37.1s  -
AttentionUNet    | 131min25s   14.3s  | 135min35.5s 14.5s  | 29min38.5s  13s
AttentionUNetSPP | 79min11.2s  31.4s  | 129min53.4s 31.6s  | 113min46.5s 30.7s
AttentionUNetASPP| 132min36.9s 14.7s  | 45min35.1s  13.2s  | 31min17.2s  13.2s
"""
MODALITIES = ("t2f", "t1c", "t2w")


def cells(table: str) -> dict[tuple[str, str], list[float | None]]:
    """The numbers of a table, times in seconds, by network and modality."""
    rows = [line.split("|") for line in table.splitlines() if "|" in line]
    return {
        (f"models.{name.strip()}", modality): [number(cell) for cell in group.split()]
        for name, *groups in rows
        for modality, group in zip(MODALITIES, groups, strict=True)
    }


def number(cell: str) -> float | None:
    if cell == "-":
        return None
    time = re.fullmatch(r"(?:(\d+)min)?([\d.]+)s", cell)
    return 60 * int(time[1] or 0) + float(time[2]) if time else float(cell)


def test_every_figure_is_that_of_the_paper() -> None:
    scores, times = cells(TABLE_1), cells(TABLE_2)
    typed = {key: [*scores[key], *times[key]] for key in scores}
    assert sum(figure is not None for figures in typed.values() for figure in figures) == 42
    assert PRINTED.keys() == typed.keys()
    for key, figures in typed.items():
        assert shown(PRINTED[key]) == pytest.approx(figures, abs=1e-6), key


def shown(printed: Printed) -> list[float | None]:
    return [printed.dsc, printed.miou, printed.accuracy, printed.training, printed.inference]


def test_a_lost_inference_time_is_explained() -> None:
    remarks = {key: printed.remark for key, printed in PRINTED.items() if printed.remark}
    assert remarks.keys() == {("models.UNet", "t2w")}
    assert "26 min 37.1 s" in remarks["models.UNet", "t2w"]


@pytest.mark.parametrize(("modality", "name"), [("t2f", "FLAIR"), ("t1c", "T1c"), ("t2w", "T2w")])
def test_what_is_said_of_the_figures_follows_from_them(modality: str, name: str) -> None:
    text = " ".join(WHAT_CAN_BE_COMPARED)
    dsc, miou, accuracy = (x or 0 for x in cells(TABLE_1)["models.AttentionUNetASPP", modality])
    assert f"{100 * dsc / (200 - dsc):.1f} ({name})" in text  # the lowest mean IoU
    wrong = 100 - accuracy  # = (predicted + true) (1 - DSC), as shares of all pixels
    assert f"{wrong / (2 * (1 - dsc / 100)):.2f} % ({name})" in text
    assert f"{miou:.2f}" in text.partition("the paper prints")[2]


def test_the_papers_miou_is_compared_with_its_pooled_iou() -> None:
    def ratio(network: str, modality: str) -> str:
        printed = PRINTED[network, modality]
        assert printed.dsc is not None
        assert printed.miou is not None
        return f"{printed.miou / (100 * printed.dsc / (200 - printed.dsc)):.2f}"

    names = {"t2f": "FLAIR", "t1c": "T1c", "t2w": "T2w"}
    quoted = ", ".join(
        f"{ratio('models.AttentionUNet', modality)} and "
        f"{ratio('models.AttentionUNetASPP', modality)} ({name})"
        for modality, name in names.items()
    )
    assert any(quoted in line for line in WHAT_CAN_BE_COMPARED)
    assert quoted in (ROOT / "docs/paper.md").read_text("utf-8")


def test_the_recipe_has_the_defaults_of_the_networks() -> None:
    for network in {network for network, _ in PRINTED}:
        parameters = inspect.signature(import_object(network)).parameters
        for name, default in ((n, p.default) for n, p in parameters.items() if p.default):
            if not name.endswith("_channels"):
                text = str(list(default) if isinstance(default, tuple) else default)
                assert NETWORK_ARGUMENTS[f"model.network.init_args.{name}"] == text
