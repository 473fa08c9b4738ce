"""The short help of ``export``."""

from lightning_app.help.shared.options import JOINED, OF_A_RUN, POSTPROCESS, TRUST
from lightning_app.help.shared.page import THE_RUNS, Option, Page

PAGE = Page(
    usage="export [--run RUN] [--output DIR] [OPTIONS]",
    summary="Write the best epoch of a run, or several runs joined, to a folder that needs nothing "
    "of this program: an ONNX graph from images to probabilities, the weights as safetensors, a "
    "model card, and a short program that segments a case. Each file is compared with the run on "
    "validation slices; if a probability differs by more than 0.0001, or more than one mask "
    "pixel in 100,000, nothing is written and the exit code is 1.",
    examples=(
        "python main.py export",
        "python main.py export --run aspp_t1c --output models/aspp_t1c",
        "python main.py export --ensemble aspp_t1c --tta mirror",
        "python main.py export --run aspp_t1c --format onnx --quantise int8",
    ),
    options=(
        Option(
            "--output",
            "DIR",
            "the folder; by default export in that of the run or of the ensemble",
        ),
        Option("--format", "NAME", "onnx, safetensors or both", "both"),
        Option(
            "--quantise",
            "int8",
            "write the graph with integers of 8 bits too, for OpenVINO; only if its validation "
            "Dice is at most 0.002 lower, otherwise the exit code is 1",
        ),
        *OF_A_RUN,
        *JOINED,
        POSTPROCESS,
        Option("--data.root", "DIR", "folder with the cases, if they were moved", THE_RUNS),
        Option("--data.cache_dir", "DIR", "where prepared slices are kept", THE_RUNS),
        TRUST,
    ),
    network_help=True,
)
