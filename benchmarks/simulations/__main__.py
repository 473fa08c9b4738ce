"""Simulate intervals and verdicts, and print tables for docs/statistics.md.

python -m benchmarks.simulations coverage
python -m benchmarks.simulations differences
python -m benchmarks.simulations exchangeable
python -m benchmarks.simulations seeds
python -m benchmarks.simulations power
python -m benchmarks.simulations coverage --repetitions 200 --seed 1
"""

import argparse
from collections.abc import Callable, Iterator, Sequence

from benchmarks.simulations import coverage, verdicts

TABLES: dict[str, Callable[[int, int], Iterator[str]]] = {
    "coverage": coverage.table,
    "differences": coverage.differences,
    "exchangeable": verdicts.exchangeable,
    "seeds": verdicts.same_architecture,
    "power": verdicts.power,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table that is named."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulations", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--repetitions", type=int, default=2000, help="simulated tests of each row")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    options = parser.parse_args(arguments)
    for line in TABLES[options.table](options.repetitions, options.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
