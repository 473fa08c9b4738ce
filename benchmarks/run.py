"""All benchmarks, side by side with their peers; writes RESULTS.md.

    python -m benchmarks.run                       # all that can be measured here
    python -m benchmarks.run preparing loading     # these anew; the others stay as they were found

Every section is a module in benchmarks/sections/, can be run alone
(python -m benchmarks.sections.loading), and writes results/<section>.json with the machine and the
versions. remarks/<section>.md says what bounds it and what was tried.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks.utils.machine import machine
from benchmarks.utils.measuring import ROOT, Row, show, verdict

SECTIONS = {
    "preparing": "1. Preparing",
    "loading": "2. Loading",
    "training_cpu": "3. Training on a CPU",
    "inference_cpu": "4. Inference on a CPU",
    "training_gpu": "5. One data-centre GPU",
    "overheads": "6. Overheads",
    "start_up": "7. Start-up",
    "scaling": "8. Scaling",
}
HERE = Path(__file__).parent


def main() -> None:
    """Measure the sections that are named, each in a process of its own, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "sections", nargs="*", choices=[[], *SECTIONS], default=[], metavar="SECTION"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        _measure(options.sections[0])
        return
    for section in options.sections or SECTIONS:
        print(SECTIONS[section], flush=True)
        command = [sys.executable, "-m", "benchmarks.run", "--here", section]
        subprocess.run(command, cwd=ROOT, check=True)
    (HERE / "RESULTS.md").write_text(_page())


def _measure(section: str) -> None:
    rows: Sequence[Row] = import_module(f"benchmarks.sections.{section}").measure()
    show(rows)
    found = {
        "machine": machine(),
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "rows": [asdict(row) for row in rows],
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{section}.json").write_text(json.dumps(found, indent=1) + "\n")


def _page() -> str:
    parts = [(HERE / "remarks" / "head.md").read_text()]
    for section, title in SECTIONS.items():
        parts += [f"## {title}", _table(section)]
        remarks = HERE / "remarks" / f"{section}.md"
        if remarks.is_file():
            parts.append(remarks.read_text().strip())
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(section: str) -> str:
    file = HERE / "results" / f"{section}.json"
    if not file.is_file():
        return "Not measured."
    found = json.loads(file.read_text())
    rows = [Row(**row) for row in found["rows"]]
    lines = [
        "| what | found | wanted | reached | held equal |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {r.what} | {r.found} | {r.wanted} | {verdict(r)} | {r.equal} |" for r in rows),
        "",
        f"{found['day']}, {found['machine']}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
