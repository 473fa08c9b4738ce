"""Options that several commands share, with the same words."""

from lightning_app.help.shared.page import THE_RUNS, Option

CONFIG = Option(
    "--config",
    "FILE",
    "an experiment, then overlays: a path, or a bare name in configs/, such as aspp_t1c.yaml, "
    "quick.yaml (laptop), cpu.yaml or gpu.yaml; later ones win, and options win over configs",
)
TRUST = Option(
    "--trust", "NAME", "a module or class of your own that configs may name; its code will run"
)
RUNS_ROOT = Option("--trainer.default_root_dir", "DIR", "folder of all runs", "runs")
ROOT = Option(
    "--data.root",
    "DIR",
    "folder with the cases, at any depth; without it that of the variable BRATS_ROOT, else "
    "synthetic patients",
)
RELEASE = Option(
    "--data.release", "NAME", "release of BraTS, such as brats2023, which defines labels", "auto"
)
CACHE = Option("--data.cache_dir", "DIR", "where prepared slices are kept", "cache")

MODALITIES = Option("--data.modalities", "[M,...]", "channels, of t1n, t1c, t2w and t2f", "[t1c]")
# Which slices of which cases, and what is segmented in them: fit, prepare and reproduce.
DATA = (
    ROOT,
    RELEASE,
    Option("--data.target", "NAME", "whole, core, enhancing, regions or labels", "whole"),
    Option(
        "--data.slices", "RULE", "middle, largest, tumour, all, or indices such as [70,80]",
        "middle",
    ),
    Option("--data.eval_slices", "RULE", "for validation and test, if they differ from these"),
    Option(
        "--data.split_sizes",
        "[A,B,C]",
        "cases for training, validation and test, as counts or fractions; by default "
        "1000 : 125 : 126",
    ),
    Option("--data.split_seed", "N", "another seed splits the patients differently", "0"),
    Option("--data.on_bad_case", "RULE", "stop, or skip cases with a bad file", "stop"),
    CACHE,
)  # fmt: skip

# What the commands that use a trained run share.
OF_A_RUN = (
    Option(
        "--run",
        "RUN",
        "the run: its folder or name, or an experiment for its newest run; by default the newest "
        "trained run of all",
    ),
    RUNS_ROOT,
    Option("--config", "FILE", "changes to the run's config, such as cpu.yaml"),
)
POSTPROCESS = Option(
    "--postprocess",
    "HOW",
    "auto, none or a file: what is done to the masks after the network; auto is what tune has "
    "chosen for the run",
    "auto",
)
# How test and predict join several runs.
JOINED = (
    Option("--run", "RUN --run RUN", "several runs: the mean of their probabilities"),
    Option(
        "--ensemble", "NAME", "the mean of all finished runs of an experiment: its seeds and folds"
    ),
    Option("--tta", "mirror", "the mean over each image and its three mirror images"),
)
DEVICE = (
    Option("--trainer.accelerator", "NAME", "auto, cpu or gpu", THE_RUNS),
    Option("--trainer.precision", "NAME", "such as 32-true or bf16-mixed", THE_RUNS),
)
SCORED_DATA = (
    Option("--data.root", "DIR", "folder with the cases", THE_RUNS),
    Option("--data.batch_size", "N", "slices in a batch", THE_RUNS),
    Option("--data.num_workers", "N", "processes that load batches", THE_RUNS),
    *DEVICE,
    Option("--trainer.devices", "N", "number of devices", THE_RUNS),
    Option("--data.cache_dir", "DIR", "where prepared slices are kept", THE_RUNS),
)
