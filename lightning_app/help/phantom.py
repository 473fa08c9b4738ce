"""The short help of ``phantom``."""

from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="phantom --output DIR [OPTIONS]",
    summary="Write synthetic patients with brain tumours, in the layout of BraTS 2023, to try out "
    "and test the program. Scores on them say nothing about real patients.",
    examples=(
        "python main.py phantom --output phantoms",
        "python main.py phantom --output phantoms --cases 200 --depth 155 --seed 1",
    ),
    options=(
        Option("--output", "DIR", "folder of the data set"),
        Option("--cases", "N", "scans", "60"),
        Option("--depth", "N", "slices in a scan, 1 to 155", "24"),
        Option("--seed", "N", "another seed makes other patients", "0"),
        Option("--processes", "N", "number of processes, by default one for each core"),
    ),
)
