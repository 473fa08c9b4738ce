"""What jsonargparse says in many lines, said in one that a person can act on."""

import difflib
import re
from collections.abc import Iterable

import torch

import lightning_app.losses
import lightning_app.schedules
import models
from lightning_app.config.import_allowlist import STACK

_KEY = re.compile(r'Parser key "(?P<key>[^"]+)"')
_VALUE = re.compile(
    r"(?:Got value|Given value|dot import path string): (?P<value>.*)$", re.MULTILINE
)
_NESTED = re.compile(r"NestedArg\(key='(?P<key>[^']+)', val=(?P<value>.*)\)$")
_EXPECTED = re.compile(
    r"Expected an? (?P<kind><class '[^']+'>|typing\.Literal\[[^]]*\]|dot import)"
)
_UNKNOWN = re.compile(r"Option '(?P<name>[^']+)' is not accepted")
_FOREIGN = re.compile(r"does not accept option '(?P<name>[^']+)'")
_UNRECOGNIZED = re.compile(r"unrecognized arguments: (?P<name>\S+)")
_CLASS = re.compile(r"class_path '(?P<path>[^']+)':\s+(?!Option|Given|Does|unknown)")
_NOT_A_CLASS = re.compile(
    r"[Ii]mport path (?P<path>\S+) does not correspond to a subclass of (?P<base>\w+)$",
    re.MULTILINE,
)
_DENIED = re.compile(
    r"Importing '(?P<path>[^']+)' is not allowed, denied by the '(?P<entry>[^']+)'"
)
_LINK = re.compile(r"Call to compute_fn of link .* failed: (?P<line>.*)$")
_REQUIRED = re.compile(r"following arguments are required: (?P<names>.*)$")
_SHORTENED = re.compile(r"\x1f(?P<line>[^\n]*)")

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list": "a list such as [a,b]",
    "tuple": "a list such as [a,b]",
    "collections.abc.Sequence": "a list such as [a,b]",
    "NoneType": "null",
    "dot import": "a class",
}
_CLASSES = {
    "network": [(models, "models")],
    "loss": [(lightning_app.losses, "lightning_app.losses"), (torch.nn, "torch.nn")],
    "optimizer": [(torch.optim, "torch.optim")],
    "lr_scheduler": [
        (lightning_app.schedules, "lightning_app.schedules"),
        (torch.optim.lr_scheduler, "torch.optim.lr_scheduler"),
    ],
}


def one_line(message: str, options: Iterable[str]) -> str:
    """Shorten an error of jsonargparse.

    Args:
        message: its own words.
        options: names of all options, to choose the nearest from.
    """
    options = [option for option in options if not option.endswith("help")]
    key = found["key"] if (found := _KEY.search(message)) else ""
    if found := _SHORTENED.search(message):
        return _with_key(key, found["line"])
    if line := _bad_link(message) or _bad_class(key, message):
        return line
    for pattern in (_UNKNOWN, _FOREIGN, _UNRECOGNIZED):
        if found := pattern.search(message):
            return _unknown_option(found["name"], options)
    if found := _REQUIRED.search(message):
        return _missing(found["names"])
    if key and (found := _VALUE.search(message)):
        return _bad_value(key, found["value"], message)
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    return " ".join(lines)


def mark(line: str) -> str:
    """Mark a line as shortened by the parser of a class, inside the parser of the command."""
    return f"\x1f{line}"


def _with_key(key: str, line: str) -> str:
    """A line about an option of a class, with the key of the class before the option."""
    if line.startswith("unknown option '"):
        return line.replace("'", f"'{key}.", 1)
    return f"{key}.{line}" if key and " is '" in line else line


def _bad_link(message: str) -> str | None:
    found = _LINK.search(message)
    return found["line"] if found else None


def _bad_class(key: str, message: str) -> str | None:
    if found := _DENIED.search(message):
        return _denied(key, found["path"], found["entry"])
    if found := _NOT_A_CLASS.search(message) or _CLASS.search(message):
        return f"{key} is '{found['path']}': no such class{_nearest_class(key, found['path'])}"
    return None


def _denied(key: str, path: str, entry: str) -> str:
    line = f"{key} names '{path}', which" if key else f"'{path}'"
    root = path.partition(".")[0]
    if entry != "*" or root in STACK:
        return f"{line} is not among the classes that a config may name"
    return (
        f"{line} is neither the program's nor the stack's and was not imported; only if you know "
        f"its code, add --trust {root}"
    )


def _unknown_option(name: str, options: list[str]) -> str:
    name = name.split("=", maxsplit=1)[0]
    if not name.startswith("-") and "." not in name and "." in "".join(options):
        return f"'{name}' is no option, and commands take no other words"
    name = name.lstrip("-")
    return f"unknown option '{name}'{_nearest(name, options)}"


def _missing(names: str) -> str:
    bare = [re.sub(r"^(fit|validate|test|predict)\.", "", name) for name in names.split(", ")]
    if "model.network" in bare:
        return "no network: give an experiment, such as --config unet_t1c.yaml"
    return f"missing option: {', '.join('--' + name for name in bare)}"


def _bad_value(key: str, value: str, message: str) -> str:
    if nested := _NESTED.search(value):
        key, value = f"{key}.{nested['key']}", nested["value"].strip("'\"")
    kinds = list(dict.fromkeys(found["kind"] for found in _EXPECTED.finditer(message)))
    literals = [word for kind in kinds for word in re.findall(r"'([^']+)'", kind) if "Lit" in kind]
    if "dot import" in kinds and key.split(".")[-1] in _CLASSES:
        return f"{key} is '{value}': no such class{_nearest_class(key, value)}"
    words = [_KINDS.get(re.sub(r"<class '(.*)'>", r"\1", kind), "") for kind in kinds]
    if literals:
        words = [f"one of {', '.join(literals)}", *words]
    expected = " or ".join(word for word in words if word)
    near = difflib.get_close_matches(value, literals, n=1, cutoff=0.5)
    nearest = f"; nearest: {near[0]}" if near else ""
    return f"{key} is '{value}'" + (f", expected {expected}" if expected else "") + nearest


def _nearest_class(key: str, path: str) -> str:
    known = [
        f"{prefix}.{name}"
        for module, prefix in _CLASSES.get(key.rsplit(".", maxsplit=1)[-1], [])
        for name, member in vars(module).items()
        if isinstance(member, type) and not name.startswith("_")
    ]
    by_name = {name.rsplit(".", 1)[-1]: name for name in reversed(known)}
    near = difflib.get_close_matches(path.rsplit(".", 1)[-1], by_name, n=3, cutoff=0.5)
    return f"; nearest: {', '.join(by_name[name] for name in near)}" if near else ""


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if not near:  # the right word under the wrong heading
        ends = {option.rsplit(".", 1)[-1]: option for option in known}
        last = name.rsplit(".", 1)[-1]
        near = [ends[end] for end in difflib.get_close_matches(last, ends, n=3, cutoff=0.6)]
    return f"; nearest: {', '.join(near)}" if near else ""
