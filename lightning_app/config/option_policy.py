"""Which options may change in an existing run, in one table.

Every option that is not named here makes another run of it.
"""

from collections.abc import Collection

# Where and how comfortably a run runs; not what comes out of it.
FREE = (
    "acceleration.fold_batch_norm",
    "data.cache_dir", "data.num_workers", "data.on_bad_case", "data.on_device", "data.root",
    "data.split_file",
    "finite_loss", "last_checkpoint", "metrics_csv", "timing", "training_picture",
    "trainer.callbacks", "trainer.default_root_dir", "trainer.enable_model_summary",
    "trainer.enable_progress_bar", "trainer.log_every_n_steps", "trainer.logger",
    "trainer.max_time", "trainer.num_sanity_val_steps", "trainer.plugins", "trainer.profiler",
    "wandb_media",
)  # fmt: skip
# The run stays itself, but another number may come out than without the interruption.
WARNED = {
    "trainer.max_epochs": "the learning rate keeps the cycle that it was begun with",
    "trainer.max_steps": "the learning rate keeps the cycle that it was begun with",
    "trainer.accelerator": "the weights will not be bit-identical",
    "trainer.devices": "the weights will not be bit-identical",
    "trainer.num_nodes": "the weights will not be bit-identical",
    "trainer.strategy": "the weights will not be bit-identical",
    "trainer.precision": "the weights will not be bit-identical",
    "acceleration": "the weights will not be bit-identical",
    "trainer.deterministic": "the weights may not be bit-identical",
    "trainer.benchmark": "the weights may not be bit-identical",
}
# Beyond what a resumed run may change: where it is computed.
ELSEWHERE = ("trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy")
# With other values the weights would still load, and their scores would mean nothing.
FIXED = ("data.modalities", "data.target", "model.network")
# Where none of these is changed, the sides are those that the run wrote down: a case that has since
# come to the folder must not move the others.
DEALING = (
    "data.root", "data.release", "data.phantom", "data.split_sizes", "data.split_seed",
    "data.split_file",
)  # fmt: skip


def is_below(option: str, names: Collection[str]) -> bool:
    """Whether a dotted option is one of some names, or below one."""
    return any(option == name or option.startswith(f"{name}.") for name in names)
