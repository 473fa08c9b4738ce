"""The short help of ``tune``."""

from lightning_app.help.shared.options import DEVICE, OF_A_RUN, TRUST
from lightning_app.help.shared.page import THE_RUNS, Option, Page

PAGE = Page(
    usage="tune [--run RUN | --ensemble NAME] [OPTIONS]",
    summary="Choose what is done to the masks of a run after its network: the threshold of the "
    "probabilities, the smallest component, the largest component, and little enhancing tumour "
    "made core. It is chosen on the validation patients; for a fold of a cross-validation on "
    "patients outside the fold, whom the runs of the other folds predict. A step is adopted only "
    "if the interval of its gain lies above 0 and, for a fold, its own validation patients do not "
    "lose by it. postprocessing.json in the run's folder says what "
    "was tried; test and predict use it.",
    examples=(
        "python main.py tune",
        "python main.py tune --run aspp_t1c",
        "python main.py tune --ensemble aspp_t1c",
        "python main.py tune --run aspp_t1c --data.eval_slices all",
    ),
    options=(
        *OF_A_RUN,
        Option("--ensemble", "NAME", "all finished runs of an experiment, each for itself"),
        Option("--data.eval_slices", "all", "for a run that is tested on some slices only"),
        Option("--data.root", "DIR", "folder with the cases, if they were moved", THE_RUNS),
        *DEVICE,
        Option("--data.cache_dir", "DIR", "where prepared slices are kept", THE_RUNS),
        TRUST,
    ),
    network_help=True,
)
