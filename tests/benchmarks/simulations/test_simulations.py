"""The simulations run, and their patients are what their names say."""

import re

import numpy as np
import pytest

from benchmarks.simulations.__main__ import TABLES, main
from benchmarks.simulations.populations import PIXELS, POPULATIONS, Population, simulate
from tests.helpers.paths import ROOT


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda population: population.name)
def test_a_population_has_the_dice_in_its_name(population: Population) -> None:
    (counts,) = simulate(population, 4000, [0.0], np.random.default_rng(0))
    assert len(counts.tp) == 4000 * population.slices
    assert (counts.pixels == PIXELS).all()
    assert min(counts.tp.min(), counts.fp.min(), counts.fn.min()) >= 0
    dice = 2 * counts.tp.sum() / (counts.predicted.sum() + counts.reference.sum())
    assert dice == pytest.approx(float(population.name.split()[-1]), abs=0.02)


def test_networks_see_the_same_patients_and_the_better_one_is_better() -> None:
    better, worse = simulate(POPULATIONS[1], 2000, [0.5, 0.0], np.random.default_rng(1))
    assert np.array_equal(better.reference, worse.reference)
    assert better.tp.sum() > worse.tp.sum()


@pytest.mark.parametrize("name", ["exchangeable", "power"])
def test_a_table_is_the_one_in_the_docs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([name, "--repetitions", "2"])
    lines = capsys.readouterr().out.splitlines()
    documented = (ROOT / "docs/statistics.md").read_text("utf-8")
    assert lines[0] in documented
    rows = [re.sub(r"(\| *[\d.]+ *)+\|$", "", line) for line in lines[2:]]
    assert rows
    assert all(f"\n{row}" in documented for row in rows)


def test_every_table_has_its_command_in_the_docs() -> None:
    documented = (ROOT / "docs/statistics.md").read_text("utf-8")
    assert [n for n in TABLES if f"benchmarks.simulations {n} " not in documented] == []
