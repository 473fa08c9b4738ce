"""The command that scores what was predicted. Imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from data_modules.catalog.cases import Case
from lightning_app.utils.next_command import command_line


def evaluation_command(masks: Path, source: Path, cases: Sequence[Case], release: str) -> str:
    """The command that scores label maps; ground truth elsewhere is left to be named.

    Args:
        masks: folder of the label maps.
        source: the input.
        cases: that were segmented.
        release: of the input, or auto.
    """
    with_truth = all(case.segmentation is not None for case in cases)
    of_cases = source.resolve().parent if source.is_file() else source
    reference = str(of_cases) if with_truth else "GROUND_TRUTH"
    scores = f"{masks}-scores" if masks.name else "scores"
    words = ["--input", str(masks), "--reference", reference, "--output", scores]
    if release != "auto":
        words += ["--data.release", release]
    return command_line("evaluate", *words)
