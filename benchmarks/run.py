"""Measure the program against its goals and baselines, and write RESULTS.md.

    python -m benchmarks.run                       # all sections
    python -m benchmarks.run preparing loading     # these; the others keep their earlier results
    python -m benchmarks.run training_gpu --piece peak --piece train_unet
    python -m benchmarks.run accuracy --data.root glioma --data.root lgg
    python -m benchmarks.run --page                # RESULTS.md from earlier results

A section is a module in benchmarks/sections. Its results are stored in results/<section>.json, with
the machine and the library versions; remarks/<section>.md says what limits them and what was tried.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.utils.machine import describe_machine
from benchmarks.utils.measuring import ROOT
from benchmarks.utils.rows import Row, markdown_table, print_rows
from lightning_app.export.packages import FOR_INT8, FOR_ONNX, FOR_SAFETENSORS

SECTIONS = {
    # What users wait for.
    "start_up": "1. From the command to the first step",
    "patient": "2. A patient, from file to file",
    "grid": "3. The laptop grid",
    "preparing": "4. Preparing",
    "accuracy": "5. Accuracy on unseen patients",
    "training_gpu": "6. One data-centre GPU",
    # What these consist of, guarded against regressions.
    "loading": "7. Loading",
    "training_cpu": "8. Training steps on a CPU",
    "inference_cpu": "9. Inference on a CPU",
    "overheads": "10. Overheads",
    "scaling": "11. Scaling",
    "volume_scores": "12. Scores of volumes",
    "recipe": "13. The pieces of real.yaml",
    "export": "14. Exported networks",
}
# The sections that need a package that not every installation has.
NEEDED_BY = {
    "monai": ("patient", "preparing", "loading", "training_cpu", "inference_cpu", "volume_scores"),
    **dict.fromkeys((*FOR_ONNX, *FOR_SAFETENSORS, *FOR_INT8), ("patient", "export")),
}
BENCHMARKS = ROOT / "benchmarks"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the given sections and write the page."""
    options = _parse(arguments)
    if options.page:
        write_page(options.output)
    elif len(options.sections) == 1:
        (section,) = options.sections
        measure(section, options.output, **_own_options(section, options))
        write_page(options.output)
    else:
        sections = options.sections or list(SECTIONS)
        if failed := [section for section in sections if _measure_apart(section, options.output)]:
            sys.exit(f"error: failed: {', '.join(failed)}")


def _measure_apart(section: str, output: Path) -> int:
    """Measure a section in a fresh process, without the imports of others; its exit code."""
    print(SECTIONS[section], flush=True)
    command = [sys.executable, "-m", "benchmarks.run", section, "--output", str(output)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()  # it removes its temporary folders, which may be large
            raise


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "sections", nargs="*", choices=[[], *SECTIONS], default=[], metavar="SECTION",
        help=f"what to measure: {', '.join(SECTIONS)}; default: all",
    )  # fmt: skip
    parser.add_argument("--page", action="store_true", help="only write RESULTS.md anew")
    parser.add_argument(
        "--piece", action="append", metavar="NAME", help="of training_gpu, repeatable; default: all"
    )
    parser.add_argument(
        "--data.root", dest="data", action="append", default=[], type=Path, metavar="DIR",
        help="a data set to train on, of accuracy, repeatable; default: only compare what was "
        "trained before",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=BENCHMARKS, metavar="DIR",
        help="folder for RESULTS.md and results/; default: benchmarks",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    options.output = options.output.absolute()
    if options.piece and options.sections != ["training_gpu"]:
        parser.error("--piece belongs to the section training_gpu")
    if options.data and options.sections != ["accuracy"]:
        parser.error("--data.root belongs to the section accuracy")
    if missing := [root for root in options.data if not root.is_dir()]:
        parser.error(f"--data.root '{missing[0]}' is no folder")
    if missing := _not_installed(options):
        parser.error(
            f"not installed: {', '.join(missing)}; pip install -e "
            '".[benchmarks,export,openvino]" -c constraints.txt'
        )
    if options.piece:
        from benchmarks.workers.gpu_pieces import PIECES

        if unknown := set(options.piece) - set(PIECES):
            parser.error(f"no piece {', '.join(unknown)}; there are {', '.join(PIECES)}")
    return options


def _not_installed(options: argparse.Namespace) -> list[str]:
    """The packages that the sections need and cannot import."""
    sections = () if options.page else options.sections or SECTIONS
    needed = [name for name, users in NEEDED_BY.items() if not {*users}.isdisjoint(sections)]
    if options.data:
        from benchmarks.sections.accuracy import packages

        needed += sorted(packages(_results("accuracy", options), options.data))
    return [name for name in needed if find_spec(name) is None]


def _results(section: str, options: argparse.Namespace) -> Path:
    """The folder for a section that has several files."""
    folder: Path = options.output / "results" / section
    return folder


def _own_options(section: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a section is given besides."""
    folder = _results(section, options)
    return {
        "training_gpu": {"folder": folder, "pieces": options.piece},
        "accuracy": {"folder": folder, "data": options.data},
    }.get(section, {})


def measure(section: str, output: Path, **own_options: Any) -> None:
    """Measure a section, print its rows and store them."""
    module = import_module(f"benchmarks.sections.{section}")
    results = output / "results"
    rows: Sequence[Row] = module.measure(**own_options)
    print_rows(rows)
    content = {
        "machine": describe_machine(),
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "rows": [asdict(row) for row in rows],
    }
    results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1) + "\n"
    (results / f"{section}.json").write_text(text, encoding="utf-8")


def write_page(output: Path) -> None:
    """Write RESULTS.md from the stored results and the remarks."""
    remarks = BENCHMARKS / "remarks"
    parts = [(remarks / "head.md").read_text("utf-8")]
    for section, title in SECTIONS.items():
        parts += [f"## {title}", _table(output / "results" / f"{section}.json")]
        parts.append((remarks / f"{section}.md").read_text("utf-8"))
    page = "\n\n".join(part.strip() for part in parts) + "\n"
    (output / "RESULTS.md").write_text(page, encoding="utf-8")


def _table(file: Path) -> str:
    if not file.is_file():
        return "Not measured."
    content = json.loads(file.read_text("utf-8"))
    rows = [Row(**row) for row in content["rows"]]
    return f"{markdown_table(rows)}\n\n{content['day']}, {content['machine']}."


if __name__ == "__main__":
    main()
