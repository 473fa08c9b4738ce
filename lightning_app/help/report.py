"""The short help of ``report``."""

from lightning_app.help.page import Option, Page

PAGE = Page(
    usage="report [RUNS_DIR] [--output DIR]",
    summary="Write tables, figures and a page of all tested runs, beside the numbers of the paper. "
    "The newest finished run of each network, modality and seed is used; the others are listed "
    "with the reason. It needs neither the data nor torch.",
    examples=(
        "python main.py report",
        "python main.py report runs/demo",
        "python main.py report runs --output paper/tables",
    ),
    options=(
        Option("RUNS_DIR", "", "folder of the runs", "runs"),
        Option(
            "--output",
            "DIR",
            "folder of the report, by default RUNS_DIR/report; an earlier report there is "
            "replaced, and a folder that holds anything else is refused",
        ),
    ),
)
