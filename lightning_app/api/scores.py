"""The scores of tested runs, for Python programs and notebooks. Imports no torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lightning_app.metrics.evaluate import Results
from lightning_app.report.load.display_names import network_name
from lightning_app.report.load.runs import read_external_tests, read_runs
from lightning_app.report.load.settings import Settings, in_words, settings_of
from lightning_app.report.load.tested_run import LeftOut, TestedRun
from lightning_app.results.test_tables import CASE_COLUMNS, case_rows
from lightning_app.runs.folder import DEFAULT_ROOT

# By name of a column: text, numbers, or None.
Row = dict[str, Any]


@dataclass(frozen=True)
class Scores:
    """The scores of tested runs as rows, of which ``pandas.DataFrame`` makes a table.

    Attributes:
        means: a row for each run, class and score: ``value``, with the 95 % interval over patients
            from ``low`` to ``high``, which are None with fewer than ten patients.
        cases: a row for each run, case and class: pixel counts, Dice and every volume score.
        left_out: the runs and tests that are not in it, and why.
    """

    means: Sequence[Row]
    cases: Sequence[Row]
    left_out: Sequence[LeftOut]


def read_scores(*runs: str | Path) -> Scores:
    """Read the scores of finished and tested runs, the newest first, and of their external tests.

    Each row says which run it is of: ``run``, ``experiment``, ``network``, ``modality``, ``seed``,
    ``fold`` (of a cross-validation, whose folds are not pooled here), the data (``data``,
    ``data_set``, ``fingerprint``, ``split``, ``target``, ``eval_slices``) and ``settings``, the
    options that differ between these runs, in words. Compare only rows with the same data. ``test``
    is "own" for the test split of the run's own data, and "external" for a test on other data; a
    run comes once for each of them.

    Args:
        runs: folders of runs, of an experiment's runs, or of experiments; by default ``runs``.

    Raises:
        UsageError: a path leads to no run.
    """
    paths = [Path(path) for path in runs or (DEFAULT_ROOT,)]
    own, left_out = read_runs(*paths)
    external, tests_left_out = read_external_tests(*paths)
    used = [*own, *external]
    settings = settings_of([run.options for run in used])
    words = in_words(settings)
    kinds = ["own"] * len(own) + ["external"] * len(external)
    pairs = [
        (run, {"test": kind, **_about(run, of_run, words)})
        for run, kind, of_run in zip(used, kinds, settings, strict=True)
    ]
    return Scores(
        [{**shared, **row} for run, shared in pairs for row in _means(run)],
        [{**shared, **row} for run, shared in pairs for row in _cases(run)],
        list(dict.fromkeys([*left_out, *tests_left_out])),
    )


def _about(run: TestedRun, settings: Settings, words: Mapping[tuple[str, str], str]) -> Row:
    return {
        "run": str(run.run.path),
        "experiment": run.run.experiment,
        "network": network_name(run.network),
        "modality": run.modality,
        "seed": run.seed,
        "fold": run.fold.number if run.fold else None,
        "settings": ", ".join(words[setting] for setting in settings),
        "data": run.data.kind,
        "data_set": run.data.name,
        "fingerprint": run.data.eval_fingerprint or run.data.fingerprint,
        "split": run.data.split,
        "target": run.data.target,
        "eval_slices": run.data.eval_slices,
    }


def _means(run: TestedRun) -> Iterator[Row]:
    for kind, results in (("pixels", run.scores), ("volumes", run.volumes)):
        yield from _mean_rows(kind, results)


def _mean_rows(kind: str, results: Results) -> Iterator[Row]:
    for name, scores in results.items():
        for score, result in scores.items():
            low, high = result.interval or (None, None)
            of = {"class": name, "kind": kind, "score": score}
            yield {**of, "value": result.value, "low": low, "high": high}


def _cases(run: TestedRun) -> Iterator[Row]:
    by_case = run.table.by_case()
    volumes = _volume_rows(run)
    for cells in case_rows(by_case):
        row = dict(zip(CASE_COLUMNS, cells, strict=True))
        yield {**volumes.get((row["case"], row["class"]), {}), **row}


def _volume_rows(run: TestedRun) -> Mapping[tuple[Any, Any], Row]:
    """The volume scores of each case and class; none if the test is of an earlier version."""
    table = run.volume_table
    if table is None:
        return {}
    return {
        (case, name): {
            score: None if np.isnan(values[row, index]) else float(values[row, index])
            for score, values in table.values.items()
        }
        for row, case in enumerate(table.cases)
        for index, name in enumerate(table.classes)
    }
