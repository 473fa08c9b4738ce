"""Train a network for an epoch and export it: ``python -m benchmarks.workers.exported_model DIR``.

The quantised model is kept whatever its Dice: only its speed is measured.
"""

import os
import sys
from pathlib import Path

from lightning_app.cli import main as program
from lightning_app.export import file_records

RUNS, MODEL = "runs", "model"


def main(folder: Path) -> None:
    """Leave a run in ``runs`` of a folder, and an exported model in ``model``."""
    os.chdir(folder)
    file_records.LARGEST_LOSS = 1.0
    fit = ["fit", "--config", "aspp_t1c.yaml", "--config", "quick.yaml", "--name", "benchmark"]
    options = ["--trainer.max_epochs", "1", "--trainer.logger", "false", "--data.slices", "middle"]
    widths = ["--model.network.init_args.widths", "[16,32,64,128,256]"]
    for command in ([*fit, *options, *widths], ["export", "--output", MODEL, "--quantise", "int8"]):
        if code := program(command):
            raise SystemExit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
