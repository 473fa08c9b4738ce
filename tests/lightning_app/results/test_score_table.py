"""The table of scores that a test and an evaluation print."""

import io

from rich.console import Console

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.score import Result, Score
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.score_table import score_table, undefined_notes


def test_a_row_has_a_value_with_its_interval_for_each_class_and_the_direction() -> None:
    scores = [
        Score(name="dice", definition="overlap", higher_is_better=True),
        Score(
            name="error",
            definition="distance",
            higher_is_better=False,
            unit="mm",
            bounds=(0.0, 374.0),
        ),
        Score(name="hidden", definition="", higher_is_better=True, in_tables=False),
        Score(name="size_ml", definition="", higher_is_better=None, unit="ml"),
        Score(name="nowhere", definition="", higher_is_better=True),
    ]
    whole = {
        "dice": Result(0.25, (0.125, 0.5), 12), "error": Result(2.5, (1, 3), 11),
        "hidden": Result(1, None), "size_ml": Result(1, None, 12), "nowhere": Result(None, None, 0),
    }  # fmt: skip
    core = {**whole, "error": Result(None, None, 0)}
    table = score_table("title", scores, {"whole": whole, "core": core})

    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns == {
        "score": ["dice", "error (mm)", "size_ml"],
        "whole": ["0.250\n0.125 to 0.500", "2.5 (n 11)\n1.0 to 3.0", "1.000"],
        "core": ["0.250\n0.125 to 0.500", "-", "1.000"],
        "better": ["higher", "lower", ""],
    }
    notes = undefined_notes(scores, {"whole": whole, "core": core})
    assert notes == ["error of core is undefined (-), as nothing counts for it: distance."]


def test_no_two_rows_of_a_test_have_the_same_name() -> None:
    scores = (*SCORES, *VOLUME_SCORES)
    results = {score.name: Result(0.5, None) for score in scores}
    names = [
        name
        for table in (SCORES, VOLUME_SCORES)
        for name in score_table("title", table, {"whole": results}).columns[0].cells
    ]
    assert {"dice (pooled)", "dice (mean)", "specificity (pooled)", "specificity (mean)"} < {*names}
    assert len(set(names)) == len(names)


def test_three_regions_fit_in_80_columns() -> None:
    by_name = {
        score.name: Result(0.5, (0.25, 0.75)) if score.bounds == (0, 1) else Result(1, None, 12)
        for score in VOLUME_SCORES
    }
    results = dict.fromkeys(("whole", "core", "enhancing"), by_name)
    console = Console(width=80, file=io.StringIO())
    console.print(score_table("title", VOLUME_SCORES, results))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    row = next(index for index, line in enumerate(lines) if line.startswith("specificity (mean)"))
    assert lines[row].split()[2:] == ["0.500"] * 3 + ["higher"]
    assert lines[row + 1].split() == ["0.250", "to", "0.750"] * 3
