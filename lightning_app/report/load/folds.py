"""Which runs are the folds of one cross-validation, in which every patient is tested once."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import chain

from lightning_app.report.load.pooled_run import pooled_run
from lightning_app.report.load.settings import settings_of
from lightning_app.report.load.tested_run import LeftOut, TestedRun
from lightning_app.report.load.training import Fold

_SAME = "with the same network, modality, options, seed and fold"

_ByFold = Mapping[Fold, TestedRun]


def pool_folds(runs: Sequence[TestedRun]) -> tuple[list[TestedRun], list[LeftOut]]:
    """The runs, those of all folds of a setting and seed as one; incomplete sets are left out.

    Scores, intervals and tests then are over all patients, each of them tested by the network that
    was neither trained on the patient nor had its epoch chosen by it.

    Args:
        runs: the newest first; of those of the same fold the newest is used.
    """
    used = [run for run in runs if run.fold is None]
    left_out: list[LeftOut] = []
    for of_setting in _by_setting([(run.fold, run) for run in runs if run.fold is not None]):
        newest: dict[Fold, TestedRun] = {}
        for fold, run in of_setting:
            if (newer := newest.setdefault(fold, run)) is not run:
                left_out.append(LeftOut(run.name, f"{newer.name} is newer, {_SAME}"))
        if reason := _why_incomplete(newest):
            left_out += [
                LeftOut(run.name, f"fold {fold.number} of {fold.folds}: {reason}")
                for fold, run in sorted(newest.items())
            ]
        else:
            used.append(pooled_run([newest[fold] for fold in sorted(newest)]))
    return used, left_out


def _by_setting(runs: Sequence[tuple[Fold, TestedRun]]) -> list[list[tuple[Fold, TestedRun]]]:
    """Runs that differ in nothing but the fold."""
    settings: dict[Hashable, list[tuple[Fold, TestedRun]]] = {}
    all_options = settings_of([run.options for _, run in runs])
    for (fold, run), options in zip(runs, all_options, strict=True):
        data = run.data
        key = (
            run.network, run.modality, options, run.seed,
            fold.folds, run.options.get("data.split_seed"),
            data.kind, data.fingerprint, data.target, str(data.eval_slices), run.table.classes,
        )  # fmt: skip
        settings.setdefault(key, []).append((fold, run))
    return list(settings.values())


def _why_incomplete(runs: _ByFold) -> str | None:
    """Why the tests of some folds do not hold every patient once; None if they do."""
    number = next(iter(runs)).folds
    if missing := sorted(set(range(number)) - {fold.number for fold in runs}):
        names = ", ".join(map(str, missing))
        which = f"fold {names} has" if len(missing) == 1 else f"folds {names} have"
        done = next(iter(runs.values())).test.postprocessing is not None
        tuned = " whose masks were post-processed (tune, then test)" if done else ""
        return f"a row needs all folds, and {which} no finished and tested run{tuned}"
    patients = list(chain.from_iterable(set(run.table.patients) for run in runs.values()))
    # Not the cases in the tables: with slices of tumour alone, a case without tumour has none.
    tested = sum(run.cases_per_split["test"] for run in runs.values())
    cases = {sum(run.cases_per_split.values()) for run in runs.values()}
    if len(set(patients)) < len(patients) or cases != {tested}:
        return (
            "the folds do not test every patient once, as they were dealt from different cases: "
            "train them again on the same cases"
        )
    return None
