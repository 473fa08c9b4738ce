"""The short help of ``report``."""

from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="report [RUNS ...] [--output DIR]",
    summary="Write tables, figures and a page of all tested runs, beside the numbers of the paper. "
    "Runs of a network with different options are compared as well. A run that was repeated with "
    "the same options and seed is reported once: the newest one. Tests on other data have a "
    "section of their own. It needs neither the data nor torch.",
    examples=(
        "python main.py report",
        "python main.py report runs/a runs/b",
        "python main.py report runs --output paper/tables",
    ),
    options=(
        Option("RUNS", "", "folders of runs, and single runs", "runs"),
        Option(
            "--output",
            "DIR",
            "folder of the report, by default report in RUNS, or comparison beside the first of "
            "several; an earlier report there is replaced, and a folder that holds anything else "
            "is refused",
        ),
    ),
)
