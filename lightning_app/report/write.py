"""The report of many runs, written into a folder."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callbacks.utils.atomic_write import atomic_folder, atomic_write
from callbacks.utils.unfinished import remove_leftovers
from data_modules.utils.words import counted
from lightning_app.report.figures.examples import gallery
from lightning_app.report.figures.figures import all_drawings
from lightning_app.report.html.case_browser import browsable
from lightning_app.report.html.page import GENERATOR, render
from lightning_app.report.html.part import Part, Picture
from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.folds import pool_folds
from lightning_app.report.load.runs import read_external_tests, read_runs
from lightning_app.report.load.tested_run import LeftOut, TestedRun
from lightning_app.report.output_folder import PAGE, check_replaceable
from lightning_app.report.tables.caveats import group_warnings, test_warnings
from lightning_app.report.tables.comparison_table import comparison_tables
from lightning_app.report.tables.external_table import own_and_external
from lightning_app.report.tables.files import write_table
from lightning_app.report.tables.paper_table import paper_table
from lightning_app.report.tables.run_tables import network_table, run_table, table_2
from lightning_app.report.tables.score_tables import all_scores, size_table
from lightning_app.report.tables.table import Table
from lightning_app.report.tables.tested_data import origin_of, split_name
from lightning_app.report.tables.volume_table import volume_table
from lightning_app.utils.errors import UsageError

# What a report writes, of this and of earlier versions.
_GROUP = re.compile(r"(group|external)-\d+")
_FILE = re.compile(
    r"report\.html|\.DS_Store|(figure3_.+|training|tumour_size|patients_.+|tumour_volume_.+)\.(png|pdf)"
    r"|(table1|table2|scores|volumes|(volume_|modality_)?comparisons|tumour_size|networks|runs|own_and_external)\.(md|tex|csv)"
)


@dataclass(frozen=True)
class Written:
    """A report that has been written.

    Attributes:
        page: its HTML file.
        runs: number of runs that it uses.
        groups: number of groups of comparable runs.
        external: number of tests on other data that it uses.
        left_out: the other runs.
    """

    page: Path
    runs: int
    groups: int
    external: int
    left_out: Sequence[LeftOut]


def write_report(paths: Sequence[Path], output: Path) -> Written:
    """Write the report of some runs; an earlier report in the folder is replaced.

    Args:
        paths: run folders, and folders of runs.
        output: the folder of the report.

    Raises:
        UsageError: there is no run to report, or the output folder holds what no report wrote.
    """
    output = output.resolve()
    check_replaceable(output, GENERATOR, _not_of_a_report)
    runs, groups, external, left_out = _read(paths)
    output.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(output.parent)
    with atomic_folder(output) as folder:
        parts = [
            _write_part(cohort, groups, number, folder)
            for number, cohort in enumerate(groups, start=1)
        ]
        external_parts = [
            _write_external(cohort, runs, number, folder)
            for number, cohort in enumerate(external, start=1)
        ]
        with atomic_write(folder / PAGE) as page:
            page.write_text(render(parts, external_parts, left_out), encoding="utf-8")
        check_replaceable(
            output, GENERATOR, _not_of_a_report
        )  # a file may have been put there in the meantime
    reported, tested = (
        sum(len(cohort.trainings) for cohort in found) for found in (groups, external)
    )
    return Written(output / PAGE, reported, len(groups), tested, left_out)


def _read(
    paths: Sequence[Path],
) -> tuple[list[TestedRun], list[Cohort], list[Cohort], list[LeftOut]]:
    """The runs, their groups, the tests on other data by data set, and what is left out.

    Raises:
        UsageError: there is nothing to report.
    """
    runs, left_out = read_runs(*paths)
    external_tests, tests_left_out = read_external_tests(*paths)
    pooled, incomplete = pool_folds(runs)
    left_out += [*incomplete, *tests_left_out]
    if not pooled and not external_tests:
        first = f"; {left_out[0].name}: {left_out[0].reason}" if left_out else ""
        raise UsageError(
            f"no finished and tested run below {_listed(paths)} "
            f"({counted(len(left_out), 'other run')}{first}): train one with "
            "python main.py fit, then score it with python main.py test"
        )
    groups, external = cohorts(pooled), cohorts(external_tests, others=runs)
    left_out += [run for cohort in (*groups, *external) for run in cohort.repeated]
    return runs, groups, external, list(dict.fromkeys(left_out))  # one may be repeated in both


def _write_part(cohort: Cohort, groups: Sequence[Cohort], number: int, report: Path) -> Part:
    """Write the tables and figures of a cohort.

    Args:
        cohort: one of the groups.
        groups: of the report.
        number: of the group.
        report: the folder of the report, in which the files of the first group lie.
    """
    section = f"group-{number}" if number > 1 else ""
    folder = report / section
    folder.mkdir(exist_ok=True)
    origin = origin_of(cohort, group_warnings(cohort, groups))
    tables = [replace(table, origin=origin) for table in _tables(cohort)]
    for table in tables:
        write_table(table, folder, section)
    galleries = [found for m in cohort.modalities if (found := gallery(cohort, m)) is not None]
    pictures = []
    for drawing in all_drawings(cohort, galleries):
        drawing.write(folder)
        pictures.append(Picture(drawing.name, drawing.title, drawing.notes, drawing.small_png()))
    title = _title(cohort, number, len(groups))
    return Part(cohort, title, tables, pictures, browsable(galleries))


def _tables(cohort: Cohort) -> list[Table]:
    """In the order of the page."""
    return [
        paper_table(cohort), table_2(cohort), all_scores(cohort), volume_table(cohort),
        *comparison_tables(cohort), size_table(cohort), network_table(cohort), run_table(cohort),
    ]  # fmt: skip


def _write_external(cohort: Cohort, own: Sequence[TestedRun], number: int, report: Path) -> Part:
    """Write the tables of an external data set.

    Args:
        cohort: the tests on it.
        own: the runs with the tests of their own test splits.
        number: of the data set.
        report: the folder of the report.
    """
    section = f"external-{number}"
    folder = report / section
    folder.mkdir()
    title = f"External data set {number}: {cohort.data.name}"
    tables = [
        own_and_external(cohort, own), all_scores(cohort), volume_table(cohort),
        *comparison_tables(cohort),
    ]  # fmt: skip
    origin = origin_of(cohort, test_warnings(cohort))
    tables = [
        replace(table, title=f"{table.title}: {cohort.data.name}", origin=origin)
        for table in tables
    ]
    for table in tables:
        write_table(table, folder, section)
    return Part(cohort, title, tables, pictures=[], galleries=[])


def _title(cohort: Cohort, number: int, groups: int) -> str:
    data = cohort.data
    kind = "Synthetic phantom" if data.kind == "phantom" else "Files"
    title = f"{kind}, target {data.target}, slices {data.eval_slices}, {split_name(cohort)}"
    return f"Group {number}: {title}" if groups > 1 else title


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(f"'{path}'" for path in paths)


def _not_of_a_report(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.is_dir() and _GROUP.fullmatch(path.name):
            yield from (f"{path.name}/{name}" for name in _not_of_a_report(path))
        elif not (path.is_file() and _FILE.fullmatch(path.name)):
            yield path.name
