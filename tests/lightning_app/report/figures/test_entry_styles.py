"""How several settings of a network are drawn."""

from pathlib import Path

import pytest

from lightning_app.report.figures.entry_styles import entry_styles
from lightning_app.report.figures.examples import gallery
from lightning_app.report.figures.figures import all_drawings
from lightning_app.report.html.case_browser import browsable
from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.display_names import NETWORKS
from lightning_app.report.load.runs import read_runs
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, rate

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}
RATES = (0.001, 0.002, 0.003)


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for run in runs:
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def grid(root: Path) -> Cohort:
    """Three rates of a UNet and an ASPP, on two modalities."""
    runs = [
        ToyRun(CASES, modality=modality, settings=rate(lr), name=f"20260101-000000-{number:06}")
        for modality in ("t1c", "t2f")
        for number, lr in enumerate(RATES)
    ]
    return cohort(root, *runs, ToyRun(CASES, network=ASPP, settings=rate(0.001)))


def test_settings_are_shades_of_the_colour_of_their_network(tmp_path: Path) -> None:
    group = grid(tmp_path)
    styles = entry_styles(group)

    unet = [styles[entry.key] for entry in group.of("t2f") if entry.network == UNET]
    assert unet[0].colour == NETWORKS[UNET].colour
    assert len({style.colour for style in unet}) == len({style.line for style in unet}) == 3
    assert unet == [styles[entry.key] for entry in group.of("t1c")]
    (aspp,) = (styles[entry.key] for entry in group.entries if entry.network == ASPP)
    assert aspp == (NETWORKS[ASPP].colour, "-", "o")


def test_every_figure_and_the_browser_name_all_settings(tmp_path: Path) -> None:
    group = grid(tmp_path)
    found = gallery(group, "t2f")
    assert found is not None
    names = ["UNet, lr 0.001", "UNet, lr 0.002", "UNet, lr 0.003", "Attention UNet + ASPP"]
    assert browsable([found])[0]["networks"] == names

    figure_3, *others, patients = (drawing.figure for drawing in all_drawings(group, [found]))
    assert [axis.get_title() for axis in figure_3.axes[2:6]] == names
    assert [text.get_text() for text in patients.axes[-1].get_xticklabels()] == names
    assert len(others) == 2
    for figure in others:
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == names


@pytest.mark.parametrize("number", [1, 24])
def test_a_legend_of_long_names_leaves_room_for_the_axes(number: int, tmp_path: Path) -> None:
    rates = [
        ToyRun(CASES, settings=rate(1 / n), name=f"20260101-000000-{n:06}")
        for n in range(1, number + 1)
    ]
    group = cohort(tmp_path, *rates, ToyRun(CASES, network=ASPP))
    *with_legend, patients = all_drawings(group, [])
    patients.figure.draw_without_rendering()
    page = patients.figure.bbox
    boxes = [label.get_window_extent() for label in patients.figure.axes[-1].get_xticklabels()]
    assert len(boxes) == number + 1
    assert all(page.x0 <= box.x0 and page.y0 <= box.y0 for box in boxes)
    for drawing in with_legend:
        drawing.figure.draw_without_rendering()
        (legend,) = drawing.figure.legends
        box, page = legend.get_window_extent(), drawing.figure.bbox
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        for axis in drawing.figure.axes:
            height = axis.get_window_extent().height / drawing.figure.dpi
            assert height == pytest.approx(2.4, abs=0.4)


def test_the_cases_are_chosen_by_the_aspp_of_the_papers_recipe(tmp_path: Path) -> None:
    group = cohort(
        tmp_path,
        ToyRun(CASES, network=ASPP, settings=rate(0.0001)),
        ToyRun(CASES, network=ASPP, settings=rate(0.001), name="20260101-000000-bbbbbb"),
    )
    found = gallery(group, "t2f")
    assert found is not None
    assert found.reference_entry.name == "Attention UNet + ASPP, lr 0.001"
    assert "of Attention UNet + ASPP, lr 0.001 in the run" in found.rule
