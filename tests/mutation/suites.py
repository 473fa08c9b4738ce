"""Which tests can notice a change in a module."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

# What is mutated, and the tests that run after those that mirror the module.
SUITES = {
    "models": ("tests/models",),
    "data_modules": ("tests/data_modules",),
    "lightning_app/metrics": (
        "tests/lightning_app/metrics",
        "tests/test_properties.py",
        "tests/lightning_app/results",
        "tests/lightning_app/report",
    ),
    "lightning_app/runs": ("tests/lightning_app/runs", "tests/lightning_app/commands"),
    "lightning_app/report": ("tests/lightning_app/report",),
}


def package_of(module: str) -> str:
    """The package of SUITES that a module, or the package itself, belongs to."""
    return next(name for name in SUITES if f"{module}/".startswith(f"{name}/"))


def suite(module: str, root: Path) -> list[str]:
    """The test files for a module, those most likely to fail first.

    Args:
        module: its path below the root, with slashes, or that of a package.
        root: the folder that holds ``tests``.

    Returns:
        Paths below the root, each once.
    """
    package = package_of(module)
    places = [root / name for name in SUITES[package]]
    if module != package:
        path = PurePosixPath(module)
        mirror = root / "tests" / path.parent
        places = [*sorted(mirror.glob(f"test_{path.stem}*.py")), mirror, *places]
    files = (file for place in places for file in _test_files(place))
    return list(dict.fromkeys(file.relative_to(root).as_posix() for file in files))


def _test_files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    yield from sorted(place.rglob("test_*.py"))
