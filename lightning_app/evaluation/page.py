"""The page of an evaluation: a single HTML file that needs nothing else."""

from collections.abc import Sequence

from lightning_app.evaluation.plan import Plan
from lightning_app.evaluation.remarks import facts
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.metrics.volume.surface import PENALTY
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.html.rendering import fill_template, table_context
from lightning_app.report.tables.table import Table

GENERATOR = "brats-lightning evaluation"


def render(plan: Plan, tables: Sequence[Table], remarks: Sequence[str]) -> str:
    """The page as HTML. Text from files is escaped.

    Args:
        plan: what was evaluated.
        tables: in their order.
        remarks: what a reader must know before them.
    """
    return fill_template(
        "evaluation.html",
        generator=GENERATOR,
        warnings=remarks,
        facts=facts(plan),
        tables=[table_context(table, table.name) for table in tables],
        scores=VOLUME_SCORES,
        cohort=plan.cohort,
        year=YEAR,
        penalty=f"{PENALTY:g}",
        tolerance=f"{plan.request.tolerance:g}",
    )
