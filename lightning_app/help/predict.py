"""The short help of ``predict``."""

from lightning_app.help.shared.options import DEVICE, JOINED, OF_A_RUN, POSTPROCESS, TRUST
from lightning_app.help.shared.page import THE_RUNS, Option, Page

PAGE = Page(
    usage="predict --input CASE_OR_FOLDER --output DIR [OPTIONS]",
    summary="Segment whole volumes with the best epoch of a run. No ground truth is needed. Each "
    "case gives <case>.nii.gz on the grid of its images, and <case>.json, which names the values "
    "in it.",
    examples=(
        "python main.py predict --input /data/new/BraTS-GLI-01234-000 --output masks",
        "python main.py predict --run aspp_t1c --input /data/new --output masks",
        "python main.py predict --ensemble aspp_t1c --input /data/new --output masks",
        "python main.py predict --input /data/new --output masks --config cpu.yaml",
    ),
    options=(
        Option("--input", "PATH", "a case, a folder of cases, or a single image"),
        Option("--output", "DIR", "folder of the label maps"),
        Option("--pictures", "", "draw each case, OUTPUT/pictures/<case>.png"),
        Option(
            "--probabilities",
            "",
            "write the probabilities of the classes, OUTPUT/probabilities/<case>.nii.gz",
        ),
        Option("--overwrite", "", "replace label maps of another run or another input"),
        *OF_A_RUN,
        *JOINED,
        POSTPROCESS,
        Option("--data.release", "NAME", "release of BraTS, if file names do not tell", THE_RUNS),
        *DEVICE,
        TRUST,
    ),
    network_help=True,
)
