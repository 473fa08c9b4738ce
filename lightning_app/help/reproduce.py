"""The short help of ``reproduce``."""

from lightning_app.help.shared.options import DATA, RUNS_ROOT
from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="reproduce [--experiment NAME] [--seeds N] [OPTIONS OF FIT]",
    summary="Train and test experiments, by default the twelve of the paper, and write the report. "
    "What is finished is not repeated and what was interrupted is resumed, so the same command "
    "continues after a stop. All other options go to fit. The exit code is 1 if one failed.",
    examples=(
        "python main.py reproduce --config quick.yaml --jobs 2",
        "python main.py reproduce --data.root /data/BraTS2023 --seeds 3",
        "python main.py reproduce --experiment unet_t2f --experiment mine/net.yaml",
    ),
    options=(
        Option("--experiment", "NAME", "a config, by path or bare name; may be repeated"),
        Option("--seeds", "N", "trainings of each experiment, with seeds from 0", "1"),
        Option("--folds", "N", "cross-validation: trainings for each of so many folds of patients"),
        Option("--jobs", "N", "experiments at a time, each with its share of the cores", "1"),
        Option("--config", "FILE", "overlay for all trainings, such as quick.yaml"),
        *DATA,
        Option("--data.batch_size", "N", "slices in a batch, over all devices", "32"),
        Option("--trainer.max_epochs", "N", "epochs", "100"),
        Option("--trainer.devices", "N", "number of devices", "1"),
        RUNS_ROOT,
    ),
)
