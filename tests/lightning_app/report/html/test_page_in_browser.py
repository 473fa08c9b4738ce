"""The case browser in a real browser, by keyboard only. Skipped if Chromium is not installed."""

from collections.abc import Iterator

import pytest

from lightning_app.cli import main
from tests.helpers.chromium import PROGRAM, Chromium
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun
from tests.helpers.waiting import wait_until

CASES = {"A-000": (40, 40, 30), "B-000": (40, 40, 10), "C d-000": (40, 40, 20)}
MEDIAN = "C d-000 (3 of 3), slice 7, {}."

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two networks on FLAIR and one on T1c and T2w."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightning_app.report.write.all_drawings", lambda *_: [])
        for network, modality in ((UNET, "t1c"), (UNET, "t2f"), (ASPP, "t2f"), (UNET, "t2w")):
            ToyRun(CASES, network=network, modality=modality).write(root)
        assert main(["report", str(root)]) == 0
    return (root / "report" / "report.html").as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def text(chromium: Chromium, selector: str) -> str:
    found = chromium.evaluate(f"document.querySelector('{selector}')?.textContent ?? ''")
    return str(found).strip()


def check(chromium: Chromium, selector: str, expected: str) -> None:
    """Wait until the page shows a text; pictures are drawn a moment after a key."""
    wait_until(
        lambda: text(chromium, selector) == expected,
        lambda: f"{selector} is '{text(chromium, selector)}', expected '{expected}'",
        seconds=20,
    )


def address(chromium: Chromium) -> str:
    return str(chromium.evaluate("location.hash"))


def tab_to(chromium: Chromium, selector: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(60):
        chromium.press("Tab")
        if chromium.evaluate(f"document.activeElement.matches('{selector}')"):
            return
    pytest.fail(f"no Tab leads to {selector}")


def test_from_table_1_to_one_case_in_three_modalities_by_keyboard(
    page: str, chromium: Chromium
) -> None:
    chromium.open(page)
    check(chromium, ".which", MEDIAN.format("T1c"))
    assert address(chromium) == ""

    tab_to(chromium, "#table1-1 th button")
    tab_to(chromium, ".panels")
    chromium.press("ArrowRight")
    check(chromium, ".which", "A-000 (1 of 3), slice 7, T1c.")
    for modality, name, panels in (("t2f", "FLAIR", 4), ("t2w", "T2w", 3), ("t1c", "T1c", 3)):
        chromium.press("ArrowDown")
        check(chromium, ".which", f"A-000 (1 of 3), slice 7, {name}.")
        assert address(chromium) == f"#case-1/{modality}/whole/A-000"
        assert chromium.evaluate("document.querySelectorAll('.panels canvas').length") == panels
    chromium.press("ArrowUp")
    check(chromium, ".which", "A-000 (1 of 3), slice 7, T2w.")
    chromium.press("ArrowLeft")
    check(chromium, ".which", MEDIAN.format("T2w"))
    assert text(chromium, "[aria-current=true] td") == "C d-000"


def test_the_list_of_modalities_keeps_the_case_too(page: str, chromium: Chromium) -> None:
    chromium.open(f"{page}#case-1/t1c/whole/B-000")
    check(chromium, ".which", "B-000 (2 of 3), slice 7, T1c.")
    tab_to(chromium, ".modality")
    chromium.press("ArrowDown")
    check(chromium, ".which", "B-000 (2 of 3), slice 7, FLAIR.")


def test_the_order_of_the_cases_stays_if_the_modality_changes(
    page: str, chromium: Chromium
) -> None:
    chromium.open(page)
    check(chromium, ".which", MEDIAN.format("T1c"))
    tab_to(chromium, ".browser .table th:nth-child(4) button")
    chromium.press("Enter")  # by Dice: B, C d, A
    chromium.evaluate("document.querySelector('.panels').focus()")
    chromium.press("ArrowDown")
    check(chromium, ".which", MEDIAN.format("FLAIR"))
    chromium.press("ArrowRight")
    check(chromium, ".which", "A-000 (1 of 3), slice 7, FLAIR.")
    assert text(chromium, ".browser .table tbody tr td") == "B-000"


@pytest.mark.parametrize(
    ("fragment", "which", "message"),
    [
        ("#case-1/t2w/whole/C%20d-000", MEDIAN.format("T2w"), ""),
        ("#case-1/t2f/whole/Z-000", MEDIAN.format("FLAIR"), "There is no case Z-000 here."),
        ("#case-1/t9/all", MEDIAN.format("T1c"), ""),
        ("#case-1/%zz", MEDIAN.format("T1c"), ""),
        ("#definitions", MEDIAN.format("T1c"), ""),
    ],
)
def test_a_link_leads_to_its_case_or_says_that_it_is_not_there(
    fragment: str, which: str, message: str, page: str, chromium: Chromium
) -> None:
    chromium.open(page + fragment)
    check(chromium, ".which", which)
    assert text(chromium, ".missing") == message


def test_an_enlarged_picture_follows_the_keys_and_gives_the_focus_back(
    page: str, chromium: Chromium
) -> None:
    chromium.open(f"{page}#case-1/t2f/whole/A-000")
    check(chromium, ".which", "A-000 (1 of 3), slice 7, FLAIR.")
    tab_to(chromium, ".panels figure:nth-child(3) button")
    chromium.press("Enter")
    check(chromium, "dialog[open] figcaption", "A-000, UNet: Dice 0.750")
    chromium.press("ArrowRight")
    check(chromium, "dialog[open] figcaption", "B-000, UNet: Dice 0.250")
    chromium.press("Escape")
    check(chromium, "dialog[open] figcaption", "")
    focused = ".panels figure:nth-child(3) button"
    wait_until(
        lambda: chromium.evaluate(f"document.activeElement.matches('{focused}')"), seconds=20
    )


def test_the_columns_that_name_a_row_stay_in_view(page: str, chromium: Chromium) -> None:
    chromium.open(page)
    check(chromium, ".which", MEDIAN.format("T1c"))
    places = chromium.evaluate("""(() => {
        const table = document.querySelector("#table1-1");
        table.parentElement.style.width = "400px";
        stick(table.parentElement);
        table.parentElement.scrollLeft = 150;
        const left = table.parentElement.getBoundingClientRect().left;
        const cells = [...table.tBodies[0].rows[0].cells];
        return cells.map((cell) => cell.getBoundingClientRect().left - left);
    })()""")
    assert places[0] == 0
    assert places[1] < 0
