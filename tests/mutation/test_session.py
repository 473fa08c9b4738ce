from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="the extra 'mutation' is not installed")

from tests.mutation import session
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.session import Session, UnchangedFailureError

SOURCE = "LIMIT = 3\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "copy/models").mkdir(parents=True)
    (tmp_path / "copy/models/limits.py").write_text(SOURCE)
    return tmp_path / "copy"


def passes_if(limit: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for pytest: pass if the module says so. Returns what was tested."""
    tested = []

    def passes(tests: Sequence[str], log: Path, limit_s: float) -> bool:
        log.touch()
        tested.append((copy / "models/limits.py").read_text())
        return limit in tested[-1]

    monkeypatch.setattr(session, "passes", passes)
    return tested


def limits() -> list[Mutant]:
    return list(mutants("models/limits.py", SOURCE))


def test_a_mutant_is_killed_if_a_test_fails(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes_if("", copy, monkeypatch)
    results = copy.parent / "results.csv"
    (survivor,) = Session(copy, results).run(limits()[:1])
    results.unlink()
    passes_if("3", copy, monkeypatch)
    (killed,) = Session(copy, results).run(limits()[:1])

    assert (survivor.outcome, killed.outcome) == ("survived", "killed")
    assert killed.change == "LIMIT = 3 -> LIMIT = 4"
    assert (copy / "models/limits.py").read_text() == SOURCE


def test_what_was_tested_before_an_interruption_is_not_tested_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = passes_if("3", copy, monkeypatch)
    results = copy.parent / "results.csv"

    before = list(Session(copy, results).run(limits()[:1]))
    after = list(Session(copy, results).run(limits()))

    assert after[:1] == before
    assert tested == [SOURCE, "LIMIT = 4\n", "LIMIT = 2\n"]


def test_tests_that_fail_without_a_mutant_end_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes_if("4", copy, monkeypatch)

    with pytest.raises(UnchangedFailureError):
        list(Session(copy, copy.parent / "results.csv").run(limits()))
