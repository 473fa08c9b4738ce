"""What distinguishes runs: the options in which one differs from most others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightning_app.listing.listed_run import ListedRun
from lightning_app.report.load.cohorts import differing_settings
from lightning_app.report.load.settings import in_words

_LONGEST = 40  # characters of an option with its value
# A report joins runs that differ in the first, and those of all folds.
_SEEDS = ("seed_everything", "data.split_seed", "data.folds", "data.fold")


@dataclass(frozen=True)
class Settings:
    """The options that differ between runs.

    Attributes:
        usual: the value that is more common than any other, by option.
        words: each option with a value in words.
    """

    usual: dict[str, str | None]
    words: Mapping[tuple[str, str], str]

    def of(self, run: ListedRun) -> dict[str, str]:
        """The value of every option that differs, as far as the run has them."""
        return {option: run.options[option] for option in self.usual if option in run.options}

    def unusual(self, run: ListedRun) -> str:
        """In what the run differs from most others, such as "lr 0.0005, flip"."""
        return self._in_words(
            {option: v for option, v in self.of(run).items() if v != self.usual[option]}
        )

    @property
    def most(self) -> str:
        """What most runs have, in words."""
        return self._in_words({option: v for option, v in self.usual.items() if v is not None})

    def _in_words(self, values: dict[str, str]) -> str:
        return ", ".join(_shortened(self.words[setting]) for setting in values.items())


def settings_of(runs: Sequence[ListedRun]) -> Settings:
    """The options that differ between some runs."""
    differing = [
        *(seed for seed in _SEEDS if len({run.options.get(seed) for run in runs} - {None}) > 1),
        *sorted(differing_settings(runs)),
    ]
    usual = {option: _most_common(runs, option) for option in differing}
    values = ([(o, run.options[o]) for o in differing if o in run.options] for run in runs)
    return Settings(usual, in_words(map(tuple, values)))


def _most_common(runs: Sequence[ListedRun], option: str) -> str | None:
    counts = Counter(run.options[option] for run in runs if option in run.options)
    (value, first), (_, second), *_ = counts.most_common()
    return value if first > second else None


def _shortened(phrase: str) -> str:
    return phrase if len(phrase) <= _LONGEST else f"{phrase[: _LONGEST - 1]}…"
