"""The short help of ``runs``."""

from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="runs [RUNS_DIR] [OPTIONS]",
    summary="List the runs of a folder: age and status of the training, the highest validation "
    "Dice and its epoch, the Dice of the test, the size on disk, and the options in which a run "
    "differs from most others. Damaged runs are named with the reason. It needs no torch.",
    examples=(
        "python main.py runs",
        "python main.py runs runs/demo --sort val/dice",
        "python main.py runs --json",
    ),
    options=(
        Option("RUNS_DIR", "", "folder of the runs", "runs"),
        Option(
            "--sort",
            "COLUMN",
            "the order: name, age, status, settings, val/dice, epoch, test/dice or size; the "
            "newest, the best and the largest come first",
            "age",
        ),
        Option(
            "--json", "", "a JSON list for scripts, with the full values of all options that differ"
        ),
    ),
)
