"""Which option was meant by a name that no option has."""

import difflib
from collections.abc import Iterator, Sequence

_MOST = 3
SEE_HELP = "--help explains the usual options, --help-all lists every option"
# By the last part of our options: what other programs call it. Where a word stands for several
# options, the first that a command has is meant.
SYNONYMS = {
    "lr": ("learning_rate", "rate", "base_lr", "lrate"),
    "max_epochs": ("epochs", "epoch", "num_epochs", "n_epochs"),
    "max_steps": ("steps", "num_steps", "iterations", "max_iter"),
    "batch_size": ("batch", "bs", "train_batch_size"),
    "weight_decay": ("wd", "l2"),
    "optimizer": ("optim", "optimiser"),
    "lr_scheduler": ("scheduler", "schedule", "lr_schedule"),
    "loss": ("criterion", "loss_fn", "loss_function"),
    "network": ("arch", "architecture", "net", "backbone"),
    "gradient_clip_val": ("clip", "clip_grad", "grad_clip", "max_grad_norm"),
    "accumulate_grad_batches": ("gradient_accumulation_steps", "grad_accum", "accum_iter"),
    "precision": ("amp", "fp16", "bf16", "mixed_precision", "dtype"),
    "devices": ("device", "gpu", "gpus", "num_gpus", "n_gpus"),
    "num_nodes": ("nodes", "nnodes"),
    "accelerator": ("cuda", "cpu"),
    "seed_everything": ("seed", "random_seed", "manual_seed"),
    "num_workers": ("workers", "n_workers", "threads"),
    "root": ("data_dir", "data_root", "data_path", "dataset", "datadir"),
    "modalities": ("modality", "contrasts", "sequences", "channels"),
    "image_size": ("img_size", "crop_size", "patch_size", "input_size", "resolution", "size"),
    "split_sizes": ("split", "val_split", "val_size", "test_size", "train_size"),
    "folds": ("k_folds", "n_folds", "num_folds", "kfold", "n_splits", "cv", "cross_validation"),
    "augmentations": ("augmentation", "augment", "aug", "transforms"),
    "resume": ("resume_from_checkpoint", "resume_from", "continue"),
    "run": ("ckpt", "ckpt_path", "checkpoint", "checkpoint_path"),
    "weights": ("ckpt", "ckpt_path", "checkpoint", "checkpoint_path", "pretrained"),
    "input": ("predictions", "prediction", "pred", "preds", "masks", "images", "in"),
    "reference": ("ground_truth", "gt", "truth", "references", "labels", "target"),
    "output": ("out", "output_dir", "out_dir", "save_dir", "dest"),
    "default_root_dir": ("out", "output", "output_dir", "out_dir", "save_dir", "log_dir", "logdir"),
}


def meant_options(name: str, options: Sequence[str]) -> list[str]:
    """The options that an unknown name may stand for, at most three; empty if none is near.

    Args:
        name: with or without leading dashes, such as lr, batch-size or trainer.epochs.
        options: the existing ones, without leading dashes, such as optimizer.init_args.lr.
    """
    return next(filter(None, _attempts(_normalised(name), options)), [])[:_MOST]


def unknown_option(name: str, options: Sequence[str]) -> str:
    """The line about an option that was typed and does not exist.

    Args:
        name: as typed, such as --lr.
        options: as for ``meant_options``.
    """
    meant = [f"--{option}" for option in meant_options(name, options)]
    if not meant:
        return f"unknown option {name}; {SEE_HELP}"
    return f"unknown option {name}; did you mean {' or '.join(meant)}?"


def _attempts(typed: str, options: Sequence[str]) -> Iterator[list[str]]:
    """Possible options, the surest first."""
    last = typed.rpartition(".")[2]
    if "." in typed:
        yield _ending_in(typed, options)
    for ours, theirs in SYNONYMS.items():
        if last in theirs:
            yield _ending_in(ours, options)
    yield _ending_in(last, options)
    yield difflib.get_close_matches(typed, options, cutoff=0.9)  # not its neighbours too
    yield difflib.get_close_matches(typed, options)
    ends = {option.rpartition(".")[2]: option for option in options}
    yield [ends[end] for end in difflib.get_close_matches(last, ends)]


def _ending_in(words: str, options: Sequence[str]) -> list[str]:
    """The options whose last parts are these; init_args may be left out."""
    return [option for option in options if f".{_normalised(option)}".endswith(f".{words}")]


def _normalised(name: str) -> str:
    return name.lstrip("-").lower().replace("-", "_").replace(".init_args.", ".")
