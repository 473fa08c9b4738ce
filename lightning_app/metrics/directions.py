"""Whether a logged score is better when it is higher or lower."""

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.volume_scores import VOLUME_SCORES

_STAGES = ("train/", "val/", "test/")


def higher_is_better(logged: str) -> bool | None:
    """The direction of a logged score, such as val/loss, val/dice or val/core/recall.

    Returns:
        None if it is not among the scores of this program.
    """
    if not logged.startswith(_STAGES):
        return None
    name = logged.rpartition("/")[2]
    directions = {score.name: score.higher_is_better for score in (*SCORES, *VOLUME_SCORES)}
    return False if name == "loss" else directions.get(name)
