"""The short help of ``evaluate``."""

from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="evaluate --input MASKS --reference DATA --output DIR [...]",
    summary="Score label maps of any tool or rater against ground truth: Dice, HD95, NSD, and the "
    "lesion-wise scores of BraTS 2023, with intervals over patients. Nothing is resampled. It "
    "needs no torch.",
    examples=(
        "python main.py evaluate --input masks --reference /data --output scores",
        "python main.py evaluate --input a --against b --reference labels --output ab",
    ),
    options=(
        Option("--input", "DIR", "folder of the masks, <case>.nii.gz"),
        Option("--reference", "DIR", "ground truth: a BraTS data set, or a folder of label maps"),
        Option(
            "--output",
            "DIR",
            "folder of the results; an earlier evaluation there is replaced, and a folder that "
            "holds anything else is refused",
        ),
        Option("--against", "DIR", "other masks of the same cases: which are better?"),
        Option(
            "--values",
            "NAME",
            "what the values in masks mean: brats2023 (3 is enhancing tumour), brats2021 (4 is) or "
            "whole; by default what a JSON file beside the masks says, else brats2023",
        ),
        Option(
            "--cohort",
            "NAME",
            "which lesions count: glioma, africa, pediatric, meningioma or metastases; by default "
            "that of the release",
        ),
        Option("--tolerance", "MM", "of the normalised surface distance", "1.0"),
        Option(
            "--on_missing",
            "RULE",
            "a case without a mask: stop, empty to count it as empty, or skip to leave it out",
            "stop",
        ),
        Option("--data.release", "NAME", "release of the ground truth", "auto"),
    ),
)
