"""The ``clean`` command: lists what can be deleted, and deletes it. Imports no torch."""

import argparse
import shlex
import sys

from data_modules.utils.disk_usage import size_in_words
from lightning_app.cleaning.plan import Plan, make_plan
from lightning_app.cleaning.removable import Removable
from lightning_app.commands.shared.runs_folder import add_runs_folder, check_runs_folder
from lightning_app.help import clean
from lightning_app.utils.argparse import PlainParser
from lightning_app.utils.exit_codes import exit_on_signals, print_stop
from lightning_app.utils.text import print_lines


def run(arguments: list[str]) -> int:
    """List what can be deleted, or delete it; returns the exit code."""
    options = _parser().parse(arguments)
    try:
        with exit_on_signals():
            return _clean(options)
    except BaseException as error:  # noqa: BLE001 (a bug is raised again)
        return print_stop(error, "nothing was deleted but what is printed above")


def _clean(options: argparse.Namespace) -> int:
    check_runs_folder(options.runs, "clean")
    plan = make_plan(options.runs)
    print_lines(*(f"Note: {remark}" for remark in plan.remarks))
    if not plan.groups:
        print_lines(f"Nothing to delete below '{options.runs}'")
        return 0
    if options.yes:
        return _delete(plan)
    for group in plan.groups:
        print_lines(f"{group.title} {size_in_words(group.size)}")
        print_lines(*(_line(item) for item in group.items), "")
    print_lines(
        f"{_amount(plan.count, plan.size)} can be deleted. To delete them:",
        f"python main.py clean {shlex.quote(str(options.runs))} --yes",
    )
    return 0


def _delete(plan: Plan) -> int:
    """Delete everything; what cannot be deleted does not keep the rest."""
    sizes: list[int] = []
    code = 0
    for item in (item for group in plan.groups for item in group.items):
        try:
            if _is_deleted(item):
                sizes.append(item.size)
                print_lines(f"deleted {_line(item)}", flush=True)
            else:
                print_lines(f"kept, because it is in use or gone: {item.path}", flush=True)
        except OSError as error:
            code = 2
            reason = f"error: '{item.path}' cannot be deleted: {error.strerror}"
            print_lines(reason, file=sys.stderr, flush=True)
    print_lines(f"{_amount(len(sizes), sum(sizes))} deleted")
    return code


def _is_deleted(item: Removable) -> bool:
    try:
        return item.delete()
    except FileNotFoundError:  # another process was faster
        return False


def _line(item: Removable) -> str:
    return f"{size_in_words(item.size):>8}  {item.path}"


def _amount(count: int, size: int) -> str:
    what = "file or folder" if count == 1 else "files and folders"
    return f"{count} {what}, {size_in_words(size)}"


def _parser() -> PlainParser:
    parser = PlainParser("clean", clean.PAGE.summary)
    add_runs_folder(parser, "; its subfolders are searched too")
    parser.add_argument("--yes", action="store_true", help="delete all of it")
    return parser
