"""Change the sources in small ways, and see whether a test fails each time.

``make mutants`` runs this, after ``pip install -e ".[mutation]"``. The mutants are a random sample
with equal shares of five packages and of comparisons, arithmetic, numbers and conditions. Each is
made in a copy of the working tree, uncommitted changes included, and the tests of its package run
until one fails. A mutant that survives shows behaviour that no test checks, or a change that
changes nothing that can be seen.

The results are in ``build/mutants/``. The same command resumes an interrupted run, unless a file
has changed since.
"""

import argparse
import contextlib
import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.helpers.paths import ROOT
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.sampling import draw
from tests.mutation.session import Result, Session, UnchangedFailureError
from tests.mutation.suites import SUITES, package_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the mutants and print the results; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=120, help="how many; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    options = parser.parse_args(arguments)
    results = ROOT / "build" / "mutants"
    results.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which cleans up, as Ctrl-C does
    with _copy() as copy:
        sample = _sample(copy, options.mutants, options.seed)
        name = f"{options.seed}-{options.mutants}-{_digest(copy)}.csv"
        session = Session(copy, results / name)
        try:
            tested = [*track(session.run(sample), total=len(sample), console=Console(stderr=True))]
        except UnchangedFailureError as error:
            print(error, "Tests fail without any mutant.", sep="\n", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Interrupted. The same command resumes it.", file=sys.stderr)
            return 130
    Console(width=140).print(_table(tested), _summary(tested))
    print(f"Results: {session.file}")
    return 0


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    """A copy of the working tree, which is where the program and its children then work."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / "tree"
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy / name)
        sys.path[0] = str(copy)  # a child imports from the copy
        with contextlib.chdir(copy):
            yield copy


def _sample(root: Path, count: int, seed: int) -> list[Mutant]:
    modules = [
        (path.relative_to(root).as_posix(), path)
        for package in SUITES
        for path in sorted((root / package).rglob("*.py"))
    ]
    candidates = (
        mutant for module, path in modules for mutant in mutants(module, path.read_text("utf-8"))
    )
    strata = (
        lambda mutant: package_of(mutant.module),
        lambda mutant: mutant.kind,
        lambda mutant: (mutant.module, mutant.line, mutant.column),
    )
    return draw(candidates, count, seed, strata)


def _digest(root: Path) -> str:
    """A name for the contents of all files."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def _table(results: Sequence[Result]) -> Table:
    table = Table("module", "line", "change", "outcome", "s", title="Mutants")
    for result in sorted(results, key=lambda result: (result.module, result.line)):
        seconds = f"{result.seconds:.0f}"
        table.add_row(result.module, str(result.line), result.change, result.outcome, seconds)
    return table


def _summary(results: Sequence[Result]) -> Table:
    table = Table("package", "mutants", "killed", "killed, %", title="Summary")
    for package in SUITES:
        outcomes = [item.outcome for item in results if package_of(item.module) == package]
        killed = outcomes.count("killed")
        share = f"{100 * killed / len(outcomes):.0f}" if outcomes else "-"
        table.add_row(package, str(len(outcomes)), str(killed), share)
    return table


if __name__ == "__main__":
    sys.exit(main())
