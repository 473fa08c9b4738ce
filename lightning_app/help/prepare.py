"""The short help of ``prepare``."""

from lightning_app.help.shared.options import CONFIG, DATA, MODALITIES
from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="prepare [--config EXPERIMENT] [OPTIONS]",
    summary="Read every case once, list what is wrong with which file and how to put it right, "
    "describe the data, and draw a batch. The slices are kept for fit. It takes the configs of "
    "fit, but uses only the options of data. The exit code is 1 if a case is bad.",
    examples=(
        "python main.py prepare --data.root /data/BraTS2023",
        "python main.py prepare --config aspp_t2f.yaml --data.root /data/BraTS2023",
        "python main.py prepare --config aspp_t2f.yaml --data.slices all",
    ),
    options=(
        CONFIG,
        MODALITIES,
        *DATA,
        Option(
            "--data.split_file", "FILE",
            "CSV file with columns case and side (a split) or patient, to split by",
        ),
        Option("--data.image_size", "[H,W]", "pad or crop the slices to this", "[240,240]"),
    ),
)  # fmt: skip
