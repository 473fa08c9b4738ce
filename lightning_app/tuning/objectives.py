"""The objective of many cases and candidates, computed by several processes."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

import numpy as np

from data_modules.utils.process_pool import Workers, cores
from lightning_app.metrics.count_table import Floats
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.tuning.choice import Objectives
from lightning_app.tuning.tuning_case import TuningCase

DEFINITION = (
    "mean over classes and cases of (dice + lesion_dice) / 2, the volume scores of docs/scores.md"
)


@contextmanager
def objectives_of(cases: Sequence[TuningCase]) -> Iterator[Objectives]:
    """What computes the objective of each of the cases."""
    workers = Workers()
    processes = max(1, min(cores(), len(cases)))

    def objectives(candidates: Sequence[Postprocessing]) -> Sequence[Floats]:
        score = partial(_of_case, candidates=candidates)
        with closing(workers.run_in_order(score, cases, processes)) as scored:
            return list(np.array(list(scored)).T)

    with workers:
        yield objectives


def _of_case(case: TuningCase, candidates: Sequence[Postprocessing]) -> list[float]:
    return [case.objective(candidate) for candidate in candidates]
