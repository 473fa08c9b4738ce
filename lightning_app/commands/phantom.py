"""The ``phantom`` command: write a data set of synthetic patients."""

import argparse
import shlex
import sys
from pathlib import Path

from data_modules.phantom.dataset import write_phantom
from data_modules.phantom.options import PhantomOptions
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.exit_codes import exit_on_sigterm
from lightning_app.utils.text import print_lines


def run(arguments: list[str]) -> int:
    """Write a phantom; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with exit_on_sigterm():
            cases = write_phantom(
                options.output, options.cases, options.depth, options.seed, options.processes
            )
    except (ValueError, OSError) as error:
        print_lines(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: the same command continues from here", file=sys.stderr)
        return 130
    root = shlex.quote(str(options.output))
    print_lines(
        f"{len(cases)} cases of {options.depth} slices in {options.output}",
        f"Train on them: python main.py fit --config unet_t2f.yaml --data.root {root}",
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = PlainParser(
        "phantom",
        "Write synthetic patients with brain tumours, in the layout of BraTS 2023, to try "
        "out and test the program. Scores on them say nothing about real patients.",
    )
    default = PhantomOptions()
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set")
    parser.add_argument(
        "--cases", type=int, default=default.cases, help="scans, by default %(default)s"
    )
    parser.add_argument(
        "--depth",
        type=int,
        default=default.depth,
        help="slices per scan, 1 to 155, by default %(default)s",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=default.seed,
        help="random seed, by default %(default)s",
    )
    parser.add_argument(
        "--processes", type=int, help="number of processes, by default one for each core"
    )
    return parser
