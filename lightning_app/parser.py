"""The argument parser: bare config names, and one clear line for whatever was mistyped."""

import argparse
import difflib
import re
from typing import Any, NoReturn

from jsonargparse import ActionConfigFile
from lightning.pytorch.cli import LightningArgumentParser

from lightning_app.configs import find_config


class NamedConfigFile(ActionConfigFile):
    """``--config``: a path, or a bare name that is looked up in configs/ and its overlays."""

    def __call__(
        self,
        parser: Any,
        cfg: Any,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Read the file. Raises TypeError, which becomes a parse error, where there is none."""
        try:
            path = find_config(str(values))
        except ValueError as error:
            raise TypeError(str(error)) from None
        super().__call__(parser, cfg, str(path), option_string)


class ExperimentParser(LightningArgumentParser):
    """A parser whose errors are one line with the nearest valid names, and exit code 2."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End the program; the parsers that jsonargparse builds inside raise instead."""
        line = _one_line(message, self._option_names(message))
        if not self.exit_on_error:
            raise argparse.ArgumentError(None, line) from ex
        self.exit(2, f"error: {line}\n")

    def _option_names(self, message: str) -> list[str]:
        """Options to choose the nearest from: those of the sub-command that the message is about."""
        names = [action.dest for action in self._actions]
        for command, parser in getattr(self._subcommands_action, "choices", {}).items():
            if f'"{command}' in message or len(self._subcommands_action.choices) == 1:
                names += [action.dest for action in parser._actions]  # noqa: SLF001
        return [name for name in names if name not in {"help", "subcommand"}]


def _one_line(message: str, options: list[str]) -> str:
    """What jsonargparse says in many lines, in one."""
    text = message.replace("\n", " ")
    for pattern, say in _PHRASES:
        found = re.search(pattern, text)
        if found:
            return say(found, options)
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    return re.sub(r"\s+", " ", lines[-1] if lines else message)


def _unknown_option(found: re.Match[str], options: list[str]) -> str:
    name = found["name"].lstrip("-").split("=")[0]
    return f"unknown option '{name}'{_nearest(name, options)}"


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if not near:
        last = name.rsplit(".", 1)[-1]
        ends = {option.rsplit(".", 1)[-1]: option for option in known}
        near = [ends[end] for end in difflib.get_close_matches(last, list(ends), n=3, cutoff=0.6)]
    return f"; nearest: {', '.join(near)}" if near else ""


_PHRASES: list[tuple[str, Any]] = []
