"""The scores from pixel counts. To add one, write a module with a CountScore and list it here."""

import numpy as np

from lightning_app.metrics.score import CountScore, mean

SCORES: tuple[CountScore, ...] = (
    CountScore(
        name="dice",
        definition="pooled over all pixels: 2 tp / (2 tp + fp + fn)",
        level="slice",
        terms=lambda c: (2 * c.tp, c.predicted + c.reference),
        higher_is_better=True,
    ),
    CountScore(
        name="iou",
        definition="pooled: tp / (tp + fp + fn)",
        level="slice",
        terms=lambda c: (c.tp, c.union),
        higher_is_better=True,
    ),
    CountScore(
        name="miou",
        definition="mean IoU of the slices with the class in ground truth or prediction",
        level="slice",
        terms=lambda c: mean(c.iou(empty=0), c.union > 0),
        higher_is_better=True,
        averaged=True,
    ),
    CountScore(
        name="accuracy",
        definition="pooled share of right pixels",
        level="slice",
        terms=lambda c: (c.tp + c.tn, c.pixels),
        higher_is_better=True,
    ),
    CountScore(
        name="precision",
        definition="pooled: tp / (tp + fp)",
        level="slice",
        terms=lambda c: (c.tp, c.predicted),
        higher_is_better=True,
    ),
    CountScore(
        name="recall",
        definition="pooled: tp / (tp + fn)",
        level="slice",
        terms=lambda c: (c.tp, c.reference),
        higher_is_better=True,
    ),
    CountScore(
        name="specificity",
        definition="pooled: tn / (tn + fp)",
        level="slice",
        terms=lambda c: (c.tn, c.tn + c.fp),
        higher_is_better=True,
    ),
    CountScore(
        name="dice_case",
        definition="mean Dice of the cases; 1 if ground truth and prediction are empty",
        level="case",
        terms=lambda c: mean(c.dice(empty=1), c.pixels > 0),
        higher_is_better=True,
        averaged=True,
    ),
    CountScore(
        name="dice_case_tumour",
        definition="mean Dice of the cases with the class in the ground truth",
        level="case",
        terms=lambda c: mean(c.dice(empty=0), c.reference > 0),
        higher_is_better=True,
        averaged=True,
    ),
    CountScore(
        name="empty_right",
        definition="share of the slices without the class that are predicted empty",
        level="slice",
        terms=lambda c: mean((c.predicted == 0).astype(np.float64), c.reference == 0),
        higher_is_better=True,
        averaged=True,
    ),
    CountScore(
        name="dice_slice",
        definition="mean Dice of the slices with the class in ground truth or prediction",
        level="slice",
        terms=lambda c: mean(c.dice(empty=0), c.union > 0),
        higher_is_better=True,
        averaged=True,
        in_tables=False,
    ),
    CountScore(
        name="miou_empty0",
        definition="mean IoU of all slices; 0 if ground truth and prediction are empty",
        level="slice",
        terms=lambda c: mean(c.iou(empty=0), c.pixels > 0),
        higher_is_better=True,
        averaged=True,
    ),
    CountScore(
        name="miou_empty1",
        definition="mean IoU of all slices; 1 if ground truth and prediction are empty",
        level="slice",
        terms=lambda c: mean(c.iou(empty=1), c.pixels > 0),
        higher_is_better=True,
        averaged=True,
        in_tables=False,
    ),
)
