"""What must be known before the parser is built, because it decides the parser's defaults."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import yaml

from lightning_app.configs import BASE, find_config
from lightning_app.errors import UsageError
from lightning_app.runs import DEFAULT_ROOT, Run, experiment_of, find_runs, trained_run


@dataclass(frozen=True)
class Early:
    """What the first look at the command line finds.

    Attributes:
        command: fit, validate, test or predict.
        experiment: stem of the first config.
        root: folder of the runs.
        trained: the run that the command is about; None for fit, and when only help is asked for.
    """

    command: str
    experiment: str
    root: Path
    trained: Run | None


def look_ahead(arguments: list[str]) -> Early:
    """Read the options that decide the defaults.

    Raises:
        UsageError: there is no such run.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--run")
    parser.add_argument("-c", "--config", action="append", default=[])
    parser.add_argument("--trainer.default_root_dir", dest="root")
    try:
        known, rest = parser.parse_known_args(arguments[1:])
    except argparse.ArgumentError as error:
        raise UsageError(str(error)) from None
    root = Path(known.root or _root_in_configs(known.config) or DEFAULT_ROOT)
    experiment = experiment_of(known.config[0]) if known.config else BASE.stem
    wants_help = any(word in {"-h", "--help"} or word.startswith("--print_config") for word in rest)
    trained = None
    if arguments[0] != "fit" and not wants_help:
        # `test --config aspp_t1c.yaml` means that experiment, not whatever ran last.
        named = experiment if any(run.experiment == experiment for run in find_runs(root)) else None
        trained = trained_run(root, known.run or named)
    return Early(arguments[0], experiment, root, trained)


def _root_in_configs(names: list[str]) -> str | None:
    """The folder of the runs as the last config that names one has it."""
    root = None
    for name in names:
        try:
            content = yaml.safe_load(find_config(name).read_text(encoding="utf-8"))
            root = content["trainer"]["default_root_dir"]
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
            continue  # not there, or unreadable, which the real parser will say
    return root
