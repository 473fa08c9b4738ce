"""The short help of a command, as text. Imports nothing that takes time."""

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

THE_RUNS = "the run's"  # a default that the run's config.yaml gives
_WIDEST = 100  # columns: longer lines are hard to read
_EXPLAINED_FROM = 32  # column at which the explanations of options begin
_INDENT = "  "
_TIE = "\N{NO-BREAK SPACE}"  # keeps a default in one line


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        name: as typed, such as --data.root, or a positional argument, such as RUNS.
        value: stands for the value; empty for a switch or a positional argument.
        text: what the option does.
        default: the value without the option, as typed; None if there is no value, or if the text
            says what happens then.
    """

    name: str
    value: str
    text: str
    default: str | None = None


@dataclass(frozen=True)
class Page:
    """The short help of a command.

    Attributes:
        usage: the command line, without ``python main.py``.
        summary: what the command does.
        examples: command lines as typed.
        options: those that people use.
        network_help: whether the command also explains the options of classes.
    """

    usage: str
    summary: str
    examples: Sequence[str]
    options: Sequence[Option]
    network_help: bool = False

    @property
    def command(self) -> str:
        """The command that the page explains."""
        return self.usage.partition(" ")[0]

    def text(self) -> str:
        """The page, wrapped at the width of the terminal."""
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        examples = [f"{_INDENT}{example}" for example in self.examples]
        options = [line for option in self.options for line in _option_lines(option, width)]
        return "\n".join(
            (
                f"usage: python main.py {self.usage}",
                "",
                *textwrap.wrap(self.summary, width),
                "",
                "examples:",
                *examples,
                "",
                "options:",
                *options,
                "",
                *self._further_help(),
            )
        )

    def _further_help(self) -> Sequence[str]:
        command = f"python main.py {self.command}"
        lines = [f"Every option: {command} --help-all"]
        if self.network_help:
            lines.append(f"Options of a class: {command} --model.network.help models.UNet")
        return lines


def _option_lines(option: Option, width: int) -> list[str]:
    left = f"{_INDENT}{option.name} {option.value}".rstrip()
    default = "" if option.default is None else f"(default: {option.default})"
    text = f"{option.text} {default.replace(' ', _TIE)}"
    margin = " " * _EXPLAINED_FROM
    wrapped = textwrap.wrap(text, width, initial_indent=margin, subsequent_indent=margin)
    lines = [line.replace(_TIE, " ") for line in wrapped]
    if len(left) > _EXPLAINED_FROM - len(_INDENT):
        return [left, *lines]
    return [left.ljust(_EXPLAINED_FROM) + lines[0].lstrip(), *lines[1:]]
