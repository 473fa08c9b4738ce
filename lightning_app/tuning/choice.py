"""The choice of a post-processing: a step is kept if it gains more than chance explains.

What was chosen on the predictions of other networks must not lose with the network itself: it may
be less sure of its masks than they are, and a threshold that helps them would empty its masks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.evaluate import ratio_by_patient
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.metrics.paired_tests import Difference, compare_paired
from lightning_app.postprocessing.postprocessing import NOTHING, Postprocessing
from lightning_app.tuning.candidates import Step

# The objective of each case, (cases,) each, of several candidates.
Objectives = Callable[[Sequence[Postprocessing]], Sequence[Floats]]


@dataclass(frozen=True)
class Candidate:
    """A candidate and the mean of its objective over cases."""

    postprocessing: Postprocessing
    objective: float


@dataclass(frozen=True)
class TriedStep:
    """What came of a step.

    Attributes:
        name: of the step.
        candidates: all that were tried, and the mean objective of each.
        best: the candidate with the highest objective, the first of equals.
        before: mean objective without it.
        gain: of the best candidate.
        own: on the run's own validation patients, mean objective without the best candidate and
            with it; None if nothing is checked on them.
    """

    name: str
    candidates: tuple[Candidate, ...]
    best: Candidate
    before: float
    gain: Difference
    own: tuple[float, float] | None

    @property
    def gains(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.gain.interval is not None and self.gain.interval[0] > 0

    @property
    def is_adopted(self) -> bool:
        """Whether it gains, and does not lose on the run's own validation patients."""
        return self.gains and (self.own is None or self.own[1] >= self.own[0])


@dataclass(frozen=True)
class Choice:
    """A chosen post-processing.

    Attributes:
        postprocessing: what to do; nothing if no step gains enough.
        patients: on how many it was chosen.
        steps: what was tried; nothing if there are too few patients.
        before: mean objective without post-processing; None if nothing was tried.
        after: the same with it.
        gain: the difference; None if nothing was tried.
    """

    postprocessing: Postprocessing
    patients: int
    steps: tuple[TriedStep, ...] = ()
    before: float | None = None
    after: float | None = None
    gain: Difference | None = None

    @property
    def reason(self) -> str:
        """Why there is no post-processing; empty if there is one."""
        if not self.postprocessing.is_nothing:
            return ""
        if not self.steps:
            return too_few(self.patients)
        if any(step.gains for step in self.steps):
            return "what gains would lose on the run's own validation patients"
        return "the interval of no gain lies above 0"


def too_few(patients: int) -> str:
    """That nothing can be chosen on so few patients."""
    return f"{patients} patients, and an interval needs at least {FEWEST_PATIENTS}"


def choose(
    steps: Sequence[Step],
    objectives: Objectives,
    patients: Sequence[str],
    own: Objectives | None = None,
) -> Choice:
    """Choose step by step: each is compared with what was chosen before it.

    Args:
        steps: in their order.
        objectives: computes the objective of each case.
        patients: whose scan each case is.
        own: computes it for cases of the run's own validation split, on which no step may lose;
            None if those are the cases.
    """
    number = len(set(patients))
    if number < FEWEST_PATIENTS:
        return Choice(NOTHING, number)
    chosen = NOTHING
    raw = current = objectives([NOTHING])[0]
    tried: list[TriedStep] = []
    for step in steps:
        candidates = step.candidates(chosen)
        values = objectives(candidates)
        best = int(np.argmax([value.mean() for value in values]))
        gain = _gain(values[best], current, patients)
        rated = tuple(
            Candidate(candidate, float(value.mean()))
            for candidate, value in zip(candidates, values, strict=True)
        )
        checked = _means(own, chosen, candidates[best]) if own else None
        before = float(current.mean())
        tried.append(TriedStep(step.name, rated, rated[best], before, gain, checked))
        if tried[-1].is_adopted:
            chosen, current = candidates[best], values[best]
    before, after = float(raw.mean()), float(current.mean())
    return Choice(chosen, number, tuple(tried), before, after, _gain(current, raw, patients))


def _means(
    objectives: Objectives, first: Postprocessing, second: Postprocessing
) -> tuple[float, float]:
    without, with_it = objectives([first, second])
    return float(without.mean()), float(with_it.mean())


def _gain(first: Floats, second: Floats, patients: Sequence[str]) -> Difference:
    """Of the first over the second, paired by patient."""
    ratios = [ratio_by_patient(v, np.ones_like(v), patients) for v in (first, second)]
    gain = compare_paired(ratios[:1], ratios[1:])
    assert gain is not None  # every case has an objective
    return gain
