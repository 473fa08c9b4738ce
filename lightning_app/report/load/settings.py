"""The settings of runs: the options in which they differ, and how a reader is told of them."""

import re
from collections.abc import Iterable, Mapping, Sequence

from lightning_app.config.option_policy import FREE, HARDWARE, is_below
from lightning_app.utils.text import printable

# Every option of a run as text, by its dotted name.
Options = Mapping[str, str]
# Those options of a run that differ from those of another run: name and value.
Settings = tuple[tuple[str, str], ...]

# Options without effect, those in which the runs of one row differ (seed and fold) or that have
# columns of their own, and those that are the same in all runs of a group.
NO_SETTINGS = (
    *FREE,
    "seed_everything", "data.fold", "model.network.class_path", "data.modalities",
    "data.folds", "data.phantom", "data.release", "data.split_seed", "data.split_sizes",
    "data.target", "data.eval_slices", "data.image_size",
    "trainer.enable_autolog_hparams", "trainer.enable_checkpointing",
)  # fmt: skip
# How networks are joined, which is no option of a training.
PREDICTION = ("prediction",)
ENSEMBLE, MIRRORED, SEEDS = (f"prediction.{name}" for name in ("ensemble", "mirrored", "seeds"))
_ALWAYS_NAMED = (ENSEMBLE, MIRRORED)
_OFF = ("False", "None", "[]")
_CLASS, _ARGUMENTS = ".class_path", ".init_args."
_WEIGHTS = re.compile(r".*/([^/]+/[^/]+)/checkpoints/best\.ckpt")  # of a run
_MODULES = re.compile(r"(?<![\w./])(?:[a-z_]\w*\.)+(?=[A-Z])")  # of a class path


def options_of(config: Mapping[str, object]) -> dict[str, str]:
    """The options of a config as text, by their dotted names."""
    options: dict[str, str] = {}
    _flatten(config, "", options)
    return options


def settings_of(runs: Sequence[Options]) -> list[Settings]:
    """For each run its options that another of the runs has with another value.

    An ensemble and mirrored images are among them even if all runs have the same. The arguments of
    a class are compared between runs with the same class. An option that only one version of the
    program has is compared between the runs that have it.
    """
    compared = [_compared(options) for options in runs]
    values: dict[tuple[str, str], set[str]] = {}
    for run in compared:
        for key, value in run.items():
            values.setdefault(key, set()).add(value)
    switched = {"True", *_OFF}
    differing = sorted(
        (key for key, different in values.items() if len(different) > 1 or is_named(key[0])),
        key=lambda key: values[key] <= switched,  # "lr 0.0005, flip" reads better than the reverse
    )
    return [tuple((key[0], run[key]) for key in differing if key in run) for run in compared]


def in_words(settings: Iterable[Settings]) -> dict[tuple[str, str], str]:
    """Each setting in words, such as "lr 0.0005", "flip" and "no flip".

    An option is named by the last part of its dotted name, or by more parts if several options end
    with that; a class by its name without modules, unless two classes have that name.
    """
    values: dict[str, dict[str, None]] = {}
    for option, value in (setting for of_run in settings for setting in of_run):
        values.setdefault(option, {})[value] = None
    names = _short_names(list(values))
    return {
        (option, value): phrase
        for option, found in values.items()
        for value, phrase in zip(found, _phrases(names[option], list(found)), strict=True)
    }


def short_labels(
    settings: Iterable[Settings], words: Mapping[tuple[str, str], str]
) -> dict[Settings, tuple[str, ...]]:
    """For the settings of each row few words that no other row has.

    A single row needs none, but an ensemble and mirrored images are always named.

    What is off is left out, unless a label would be empty or the same as another.
    """
    rows = list(dict.fromkeys(settings))
    named = {option for row in rows for option, _ in row if is_named(option)}
    if len(rows) == 1:
        return {rows[0]: tuple(words[setting] for setting in rows[0] if setting[0] in named)}
    options = {*named, *_telling_options([dict(row) for row in rows], words)}
    full = [[setting for setting in row if setting[0] in options] for row in rows]
    if not named:  # else a row without any is a run by itself
        full = [label or list(row) for label, row in zip(full, rows, strict=True)]
    brief = [[setting for setting in row if not is_off(setting[1])] or row for row in full]
    is_brief_enough = len({tuple(row) for row in brief}) == len(rows)
    return {
        row: tuple(words[setting] for setting in label)
        for row, label in zip(rows, brief if is_brief_enough else full, strict=True)
    }


def settings_order(settings: Settings) -> list[tuple[str, float, str]]:
    """A sort key: settings by their values, numbers as numbers."""
    return [(option, _number(value), value) for option, value in settings]


def is_named(option: str) -> bool:
    """Whether the name of a row always tells an option: it is no option of a training."""
    return option in _ALWAYS_NAMED


def is_off(value: str) -> bool:
    """Whether a value switches its option off."""
    return value in _OFF


def _flatten(content: Mapping[str, object], prefix: str, options: dict[str, str]) -> None:
    """Add the options in a part of a config. Not a generator: a list has a thousand configs."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            _flatten(value, f"{name}.", options)
        else:
            options[printable(name)] = printable(_text(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, Mapping) and "class_path" in value:
        arguments = value.get("init_args")
        pairs = arguments.items() if isinstance(arguments, Mapping) else ()
        given = ", ".join(f"{name}={_text(argument)}" for name, argument in pairs)
        return f"{value['class_path']}({given})"
    return str(value)


def _compared(options: Options) -> dict[tuple[str, str], str]:
    """The options that are compared, by name and by the class of which they are arguments."""
    compared = {}
    for name, value in options.items():
        if not is_below(name, (*NO_SETTINGS, *HARDWARE)):
            owner = name.rpartition(_ARGUMENTS)[0]
            compared[name.removesuffix(_CLASS), options.get(owner + _CLASS, "")] = value
    return compared


def _telling_options(rows: Sequence[Options], words: Mapping[tuple[str, str], str]) -> list[str]:
    """A few options that suffice to tell all rows apart, those with short values first."""

    def told_apart(chosen: Sequence[str]) -> int:
        return len({tuple(row.get(option) for option in chosen) for row in rows})

    lengths = {option: 0 for row in rows for option in row}
    for (option, _), phrase in words.items():
        if option in lengths:
            lengths[option] = max(lengths[option], len(phrase))
    options = sorted(lengths, key=lambda option: lengths[option])
    chosen: list[str] = []
    while told_apart(chosen) < len(rows):
        rest = [option for option in options if option not in chosen]
        chosen.append(max(rest, key=lambda option: told_apart([*chosen, option])))
    for option in list(chosen):
        others = [other for other in chosen if other != option]
        chosen = others if told_apart(others) == len(rows) else chosen
    return chosen


def _short_names(options: Sequence[str]) -> dict[str, str]:
    """The shortest end of each dotted name that no other option has."""
    parts = {
        option: (
            option.removesuffix(_CLASS)
            .removesuffix("_everything")
            .replace(_ARGUMENTS, ".")
            .split(".")
        )
        for option in options
    }

    def end(option: str, length: int) -> str:
        return ".".join(parts[option][-length:])

    return {
        option: next(
            (
                end(option, length)
                for length in range(1, len(parts[option]))
                if [end(other, length) for other in options].count(end(option, length)) == 1
            ),
            ".".join(parts[option]),
        )
        for option in options
    }


def _phrases(name: str, values: Sequence[str]) -> list[str]:
    """The values of an option in words; in full if two would read the same."""
    phrases = [_phrase(name, value) for value in values]
    if len(set(phrases)) == len(phrases):
        return phrases
    return [f"{name} {value}" for value in values]


def _phrase(name: str, value: str) -> str:
    if is_off(value):
        return f"no {name}"
    brief = _MODULES.sub("", _WEIGHTS.sub(r"\1", value))
    return name if value == "True" else f"{name} {brief}"


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("inf")
