"""The lock file has the versions of constraints.txt, hashes for all, and no known vulnerability."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.helpers.paths import ROOT

LOCK = ROOT / "requirements-cpu.txt"
# First versions without the vulnerabilities known in November 2026.
FIXED = {"filelock": "4.2.1", "jinja2": "3.1.6", "pillow": "13.0.0"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, tuple[Version, list[str]]]:
    """Version and hashes of each package in the lock file."""
    text = LOCK.read_text("utf-8").replace("\\\n", " ")
    entries = re.findall(r"^([\w.-]+)==(\S+)(.*)$", text, re.MULTILINE)
    return {
        normalised(name): (Version(version), re.findall(r"--hash=sha256:([0-9a-f]{64})\b", hashes))
        for name, version, hashes in entries
    }


def constraints() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {normalised(name): Version(version) for name, version in pairs}


def requirements() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for text in (*project["dependencies"], *project["optional-dependencies"]["test"]):
        yield Requirement(text)


def test_every_locked_package_has_a_hash() -> None:
    assert len(locked()) > 50
    assert [name for name, (_, hashes) in locked().items() if not hashes] == []


def test_the_lock_file_has_the_versions_of_the_constraints() -> None:
    expected = constraints()
    different = {
        name: (str(version), str(expected.get(name)))
        for name, (version, _) in locked().items()
        if Version(version.public) != expected.get(name)
    }
    assert different == {}, "run `make lock`"


@pytest.mark.parametrize("requirement", [*requirements()], ids=str)
def test_the_lock_file_meets_every_requirement(requirement: Requirement) -> None:
    version, _ = locked()[normalised(requirement.name)]
    assert requirement.specifier.contains(version.public)


@pytest.mark.parametrize("name", FIXED)
def test_no_vulnerable_version_is_allowed(name: str) -> None:
    (requirement,) = [r for r in requirements() if normalised(r.name) == name]
    (lowest,) = [Version(s.version) for s in requirement.specifier if s.operator == ">="]
    assert lowest >= Version(FIXED[name])


def test_the_tests_can_export_models() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(extras["export"]) <= set(extras["test"])
