"""Paired tests between networks, and between modalities, on the same patients."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.paired_tests import Difference, compare_paired, have_seeds, holm
from lightning_app.metrics.score import CountScore, VolumeScore
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.display_names import modality_name
from lightning_app.report.tables.estimates import terms_by_seed
from lightning_app.report.tables.table import Column


@dataclass(frozen=True)
class Question:
    """What two rows are compared by.

    Attributes:
        subject: in verdicts, such as "overlap".
        score: a mean over slices or cases with the same units for both.
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


class Contrast(ABC):
    """What the two rows of a comparison differ in, and what they have in common.

    Attributes:
        plural: what they differ in.
        common: the column of what they have in common.
    """

    plural: ClassVar[str]
    common: ClassVar[Column]

    def pairs(self, cohort: Cohort) -> Iterator[tuple[Entry, Entry, int]]:
        """All pairs of rows that have it in common, with each class."""
        groups: dict[Hashable, list[Entry]] = {}
        for entry in cohort.entries:
            groups.setdefault(self._group(entry), []).append(entry)
        for group in groups.values():
            for index in range(len(cohort.classes)):
                for first, second in combinations(group, 2):
                    yield first, second, index

    @abstractmethod
    def _group(self, entry: Entry) -> Hashable:
        """What the rows of a pair have in common."""

    @abstractmethod
    def common_name(self, entry: Entry) -> str:
        """That, in a table."""

    @abstractmethod
    def name(self, entry: Entry) -> str:
        """In a table, what tells a row from the other."""

    @abstractmethod
    def in_words(self, entry: Entry) -> str:
        """That, in a sentence."""

    @abstractmethod
    def weights_in_words(self, entry: Entry) -> str:
        """The weights of a row, in a sentence."""


class NetworkContrast(Contrast):
    """Networks with their settings, on the same modality."""

    plural = "networks"
    common = Column("modality", "Modality")

    def _group(self, entry: Entry) -> Hashable:
        return entry.modality

    def common_name(self, entry: Entry) -> str:
        """The modality."""
        return modality_name(entry.modality)

    def name(self, entry: Entry) -> str:
        """The network, with the settings that tell it apart."""
        return entry.name

    def in_words(self, entry: Entry) -> str:
        """Such as "UNet with flip"."""
        return entry.in_words

    def weights_in_words(self, entry: Entry) -> str:
        """Such as "these UNet weights"."""
        return entry.weights_in_words


class ModalityContrast(Contrast):
    """Modalities, each with the same network and settings."""

    plural = "modalities"
    common = Column("network", "Network")

    def _group(self, entry: Entry) -> Hashable:
        return entry.network, entry.key.settings

    def common_name(self, entry: Entry) -> str:
        """The network, with the settings that tell it apart."""
        return entry.name

    def name(self, entry: Entry) -> str:
        """The modality."""
        return modality_name(entry.modality)

    def in_words(self, entry: Entry) -> str:
        """Such as "FLAIR"."""
        return modality_name(entry.modality)

    def weights_in_words(self, entry: Entry) -> str:
        """Such as "these FLAIR weights"."""
        return f"these {modality_name(entry.modality)} weights"


NETWORKS, MODALITIES = NetworkContrast(), ModalityContrast()


@dataclass(frozen=True)
class Comparison:
    """Two rows, by a question, on one class.

    Attributes:
        contrast: what they differ in.
        question: what they are compared by.
        first: the first row.
        second: the second row.
        index: of the class.
        difference: first - second; None if the score is undefined.
        holm_p: p corrected for all comparisons of the question.
    """

    contrast: Contrast
    question: Question
    first: Entry
    second: Entry
    index: int
    difference: Difference | None
    holm_p: float | None

    @property
    def better(self) -> Entry | None:
        """The row that both the test and the interval favour; None if they do not agree."""
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
            return f"{self.contrast.in_words(self.better)} is better at {subject}"
        return f"{self.contrast.weights_in_words(self.better)} are better at {subject}"


def compare(cohort: Cohort, question: Question, contrast: Contrast = NETWORKS) -> list[Comparison]:
    """All pairs of networks on each modality, or the reverse, with each class; Holm over all."""
    pairs = list(contrast.pairs(cohort))
    differences = [_difference(*pair, question.score) for pair in pairs]
    return [
        Comparison(contrast, question, *pair, difference, holm_p)
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
