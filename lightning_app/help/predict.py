"""The short help of ``predict``."""

from lightning_app.help.shared.options import DEVICE, JOINED, OF_A_RUN, POSTPROCESS, TRUST
from lightning_app.help.shared.page import THE_RUNS, Option, Page

PAGE = Page(
    usage="predict --input CASE_OR_FOLDER --output DIR [OPTIONS]",
    summary="Segment whole volumes with the best epoch of a run. No ground truth is needed. Each "
    "case gives <case>.nii.gz on the grid of its images, and <case>.json, which names the values "
    "in it. --model takes a folder that export wrote instead of a run, and then starts in one "
    "to two seconds.",
    examples=(
        "python main.py predict --input /data/new/BraTS-GLI-01234-000 --output masks",
        "python main.py predict --run aspp_t1c --input /data/new --output masks",
        "python main.py predict --ensemble aspp_t1c --input /data/new --output masks",
        "python main.py predict --input /data/new --output masks --config cpu.yaml",
        "python main.py predict --model aspp_t1c --input /data/new --output masks",
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
        Option("--model", "DIR", "an exported model, instead of a run and the options of runs"),
        Option(
            "--runtime",
            "NAME",
            "what runs that model: onnx, openvino (bfloat16) or torch; by default onnx, or torch "
            "if the folder has no graph or ONNX Runtime is not installed",
        ),
        Option("--quantise", "int8", "use the quantised graph of that model, by OpenVINO"),
        TRUST,
    ),
    network_help=True,
)
