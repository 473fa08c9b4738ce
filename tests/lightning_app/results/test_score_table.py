"""The table that a test prints."""

from lightning_app.metrics.score import Result, Score
from lightning_app.results.score_table import score_table


def test_a_row_has_value_unit_interval_direction_and_definition() -> None:
    scores = [
        Score(name="dice", definition="overlap", higher_is_better=True),
        Score(name="error", definition="distance", higher_is_better=False, unit="mm"),
        Score(name="hidden", definition="", higher_is_better=True, in_tables=False),
    ]
    results = {"dice": Result(None, None), "error": Result(2.5, (1, 3)), "hidden": Result(1, None)}
    table = score_table("title", scores, results)

    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns == {
        "score": ["dice", "error"],
        "value": ["-", "2.5000 mm"],
        "95 % interval": ["-", "1.0000 to 3.0000"],
        "better": ["higher", "lower"],
        "definition": ["overlap", "distance"],
    }
