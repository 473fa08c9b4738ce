"""Paired tests between networks, on the same patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.paired_tests import Difference, compare_paired, have_seeds, holm
from lightning_app.metrics.score import CountScore, VolumeScore
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.tables.estimates import terms_by_seed


@dataclass(frozen=True)
class Question:
    """What networks are compared by.

    Attributes:
        subject: in verdicts, such as "overlap".
        score: a mean over slices or cases with the same units for all networks.
    """

    subject: str
    score: CountScore | VolumeScore


_SCORE = {score.name: score for score in SCORES}
_VOLUME_SCORE = {score.name: score for score in VOLUME_SCORES}
# Two questions, as Maier-Hein et al. (2024), "Metrics reloaded", recommend: overlap has no meaning
# for cases without the class, and one wrong pixel in such a case would outweigh many better masks.
QUESTIONS = (
    Question("overlap", _SCORE["dice_case_tumour"]),
    Question("empty slices", _SCORE["empty_right"]),
)
VOLUME_QUESTIONS = tuple(
    Question(name, _VOLUME_SCORE[name])
    for name in ("dice", "hd95", "nsd", "lesion_dice", "lesion_hd95")
)


@dataclass(frozen=True)
class Comparison:
    """Two networks on one modality and class.

    Attributes:
        question: what they are compared by.
        first: the first network.
        second: the second network.
        index: of the class.
        difference: first - second; None if the score is undefined.
        holm_p: p corrected for all comparisons of the question.
    """

    question: Question
    first: Entry
    second: Entry
    index: int
    difference: Difference | None
    holm_p: float | None

    @property
    def better(self) -> Entry | None:
        """The network that both the test and the interval favour; None if they do not agree."""
        sign = self.difference.sign_shown(self.holm_p) if self.difference else 0
        if not sign:
            return None
        return self.first if (sign > 0) == self.question.score.higher_is_better else self.second

    @property
    def verdict(self) -> str:
        """The result in words. With too few seeds it is about the weights that were tested."""
        subject = self.question.subject
        if self.holm_p is None:
            return "not tested"
        if self.better is None:
            objection = self.difference.objection(self.holm_p) if self.difference else ""
            return f"no difference in {subject} shown{objection}"
        if have_seeds(self.first.runs, self.second.runs):
            return f"{self.better.in_words} is better at {subject}"
        return f"{self.better.weights_in_words} are better at {subject}"


def compare(cohort: Cohort, question: Question) -> list[Comparison]:
    """All pairs of networks on each modality and class, corrected together."""
    pairs = [
        (first, second, index)
        for modality in cohort.modalities
        for index in range(len(cohort.classes))
        for first, second in combinations(cohort.of(modality), 2)
    ]
    differences = [_difference(*pair, question.score) for pair in pairs]
    return [
        Comparison(question, *pair, difference, holm_p)
        for pair, difference, holm_p in zip(
            pairs, differences, _corrected(differences), strict=True
        )
    ]


def _difference(
    first: Entry, second: Entry, index: int, score: CountScore | VolumeScore
) -> Difference | None:
    terms, others = (terms_by_seed(entry, index, score) for entry in (first, second))
    if terms is None or others is None:
        return None
    return compare_paired(terms, others, score.bounds)


def _corrected(differences: Sequence[Difference | None]) -> list[float | None]:
    return holm([found.p if found else None for found in differences])
