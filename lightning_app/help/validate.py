"""The short help of ``validate``."""

from lightning_app.help.shared.options import OF_A_RUN, SCORED_DATA, TRUST
from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="validate [--run RUN] [OPTIONS]",
    summary="Score the best epoch of a run on the validation split, without intervals, and print "
    "the scores. Nothing is written. The best epoch was chosen by these scores, so report those "
    "of test.",
    examples=(
        "python main.py validate",
        "python main.py validate --run aspp_t1c",
        "python main.py validate --run aspp_t1c --config cpu.yaml",
    ),
    options=(
        *OF_A_RUN,
        *SCORED_DATA,
        Option("--trainer.limit_val_batches", "N", "score only so many batches, for a try"),
        TRUST,
    ),
    network_help=True,
)
