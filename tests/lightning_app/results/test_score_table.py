"""The table of scores that a test and an evaluation print."""

from lightning_app.metrics.score import Result, Score
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
