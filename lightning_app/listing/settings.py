"""What distinguishes runs: the options in which one differs from most others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lightning_app.listing.listed_run import ListedRun
from lightning_app.report.load.cohorts import differing_settings

_CLASS = "class_path"  # the last part of the option that names a class
_LONGEST = 30  # characters of a value
# A report joins runs that differ in the first, and those of all folds.
_SEEDS = ("seed_everything", "data.split_seed", "data.folds", "data.fold")


@dataclass(frozen=True)
class Settings:
    """The options that differ between runs.

    Attributes:
        usual: the value that is more common than any other, by option.
        names: the shortest name that tells an option from the others, by option.
    """

    usual: dict[str, str | None]
    names: dict[str, str]

    def of(self, run: ListedRun) -> dict[str, str]:
        """The value of every option that differs, as far as the run has them."""
        return {option: run.options[option] for option in self.usual if option in run.options}

    def unusual(self, run: ListedRun) -> str:
        """In what the run differs from most others, such as "lr 0.0005, flip True"."""
        return self._in_words(
            {option: v for option, v in self.of(run).items() if v != self.usual[option]}
        )

    @property
    def most(self) -> str:
        """What most runs have, in words."""
        return self._in_words({option: v for option, v in self.usual.items() if v is not None})

    def _in_words(self, values: dict[str, str]) -> str:
        return ", ".join(
            f"{self.names[option]} {_shortened(option, value)}" for option, value in values.items()
        )


def settings_of(runs: Sequence[ListedRun]) -> Settings:
    """The options that differ between some runs."""
    differing = [
        *(seed for seed in _SEEDS if len({run.options.get(seed) for run in runs} - {None}) > 1),
        *sorted(differing_settings(runs)),
    ]
    usual = {option: _most_common(runs, option) for option in differing}
    return Settings(usual, _short_names(differing))


def _most_common(runs: Sequence[ListedRun], option: str) -> str | None:
    counts = Counter(run.options[option] for run in runs if option in run.options)
    (value, first), (_, second), *_ = counts.most_common()
    return value if first > second else None


def _short_names(options: Sequence[str]) -> dict[str, str]:
    last = {option: _last_part(option) for option in options}
    counts = Counter(last.values())
    return {option: name if counts[name] == 1 else option for option, name in last.items()}


def _last_part(option: str) -> str:
    return option.removesuffix(f".{_CLASS}").removesuffix("_everything").rpartition(".")[2]


def _shortened(option: str, value: str) -> str:
    """A value without the module of a class, and without the end of a long text."""
    text = value.rpartition(".")[2] if option.endswith(f".{_CLASS}") else value
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
