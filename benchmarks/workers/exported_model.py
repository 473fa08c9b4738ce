"""Train and export a network: ``python -m benchmarks.workers.exported_model DIR WIDTH WINDOW``.

The quantised model is kept whatever its Dice: only its speed is measured.
"""

import argparse
import os
from pathlib import Path

from benchmarks.utils.networks import widths_from
from lightning_app.cli import main as program
from lightning_app.export import file_records

RUNS, MODEL = "runs", "model"


def main() -> None:
    """Leave a run in ``runs`` of a folder, and an exported model in ``model``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("width", type=int, help="of the first level")
    parser.add_argument("window", choices=["null", "auto"], help="that it is trained with")
    parser.add_argument("--epochs", default="1")
    parser.add_argument("--quantise", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    os.chdir(options.folder)
    file_records.LARGEST_LOSS = 1.0
    widths = str(widths_from(options.width)).replace(" ", "")
    fit = [
        *("fit", "--config", "aspp_t1c.yaml", "--config", "quick.yaml", "--name", "benchmark"),
        *("--trainer.max_epochs", options.epochs, "--trainer.logger", "false"),
        *("--data.slices", "middle", "--data.window", options.window),
        *("--model.network.init_args.widths", widths),
    ]
    quantise = ["--quantise", "int8"] if options.quantise else []
    for command in (fit, ["export", "--output", MODEL, *quantise]):
        if code := program(command):
            raise SystemExit(code)


if __name__ == "__main__":
    main()
