"""The short help of ``fit``."""

from lightning_app.help.shared.options import CONFIG, DATA, MODALITIES, RUNS_ROOT, TRUST
from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="fit --config EXPERIMENT [--config OVERLAY] [OPTIONS]",
    summary="Train a network in a new folder, runs/EXPERIMENT/DATE-TIME-ID, or resume a training. "
    "The epoch with the best validation Dice is kept for test and predict. Ctrl-C saves the state "
    "and stops. All options can also be given in configs, which replace the defaults below.",
    examples=(
        "python main.py fit --config aspp_t2f.yaml --data.root /data/BraTS2023",
        "python main.py fit --config unet_t1c.yaml --config quick.yaml",
        "python main.py fit --resume",
    ),
    options=(
        CONFIG,
        Option("--name", "NAME", "folder of the run below all runs, by default EXPERIMENT"),
        Option("--resume", "[RUN]", "resume this run; without a name the newest unfinished one"),
        Option("--weights", "RUN", "start a new run from the weights of a run or a checkpoint"),
        Option("--seed_everything", "N", "seed of weights, shuffling and augmentation", "0"),
        MODALITIES,
        *DATA,
        Option("--data.window", "[H,W]", "cut slices to the brain; auto holds all brains"),
        Option("--data.batch_size", "N", "slices in a batch, over all devices", "32"),
        Option("--data.num_workers", "N", "processes that load batches", "0"),
        Option("--data.flip", "true", "mirror training slices at random", "false"),
        Option("--data.augmentation", "NAME", "none, light or strong", "none"),
        Option("--model.network", "CLASS", "such as models.UNet, unless a config names it"),
        Option(
            "--model.network.init_args.widths", "[N,...]", "channels of each level of the network",
            "[64,128,256,512,1024]",
        ),
        Option("--model.loss", "CLASS", "the loss", "lightning_app.losses.DiceCrossEntropy"),
        Option("--optimizer.init_args.lr", "RATE", "learning rate", "0.001"),
        Option("--trainer.max_epochs", "N", "epochs", "100"),
        Option("--trainer.accelerator", "NAME", "auto, cpu or gpu", "auto"),
        Option("--trainer.devices", "N", "number of devices", "1"),
        Option("--trainer.precision", "NAME", "bf16-mixed is faster on many GPUs", "32-true"),
        RUNS_ROOT,
        Option(
            "--trainer.logger", "false", "false: without W&B",
            "callbacks.wandb_logger.ForgivingWandbLogger",
        ),
        TRUST,
        Option("--print_config", "", "print all options with their values, and stop"),
    ),
    network_help=True,
)  # fmt: skip
