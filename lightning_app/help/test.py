"""The short help of ``test``."""

from lightning_app.help.shared.options import JOINED, OF_A_RUN, POSTPROCESS, SCORED_DATA, TRUST
from lightning_app.help.shared.page import THE_RUNS, Option, Page

PAGE = Page(
    usage="test [--run RUN] [OPTIONS]",
    summary="Score the best epoch of a run on the test split, with intervals over patients. The "
    "scores, tables and pictures go into the run's folder test/. A test on other data, another "
    "split or a part of the split goes into a folder of its own beside it. Tests of several runs "
    "or of mirrored images go into RUNS/ensembles/NAME/.",
    examples=(
        "python main.py test",
        "python main.py test --run aspp_t1c",
        "python main.py test --ensemble aspp_t1c --tta mirror",
        "python main.py test --data.root /data/hospital --data.split_sizes all-test",
    ),
    options=(
        *OF_A_RUN,
        *JOINED,
        Option("--name", "NAME", "the NAME of that folder, by default made from the runs"),
        POSTPROCESS,
        *SCORED_DATA,
        Option(
            "--data.split_sizes",
            "all-test",
            "test all cases of other data, not a split of them",
            THE_RUNS,
        ),
        Option("--trainer.limit_test_batches", "N", "test only so many batches, for a try"),
        TRUST,
    ),
    network_help=True,
)
