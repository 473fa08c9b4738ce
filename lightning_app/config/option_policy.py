"""Which options may change in an existing run.

An option that is in none of these tables would make it another run.
"""

from collections.abc import Iterable

# Where and how conveniently a run is computed; no effect on its results.
FREE = (
    "acceleration.fold_batch_norm",
    "data.cache_dir", "data.num_workers", "data.on_bad_case", "data.on_device", "data.root",
    "data.split_file",
    "finite_loss", "last_checkpoint", "metrics_csv", "timing", "training_picture",
    "trainer.default_root_dir", "trainer.detect_anomaly",
    "trainer.enable_model_summary", "trainer.enable_progress_bar", "trainer.inference_mode",
    "trainer.limit_predict_batches", "trainer.limit_test_batches", "trainer.log_every_n_steps",
    "trainer.logger", "trainer.max_time", "trainer.num_sanity_val_steps", "trainer.plugins",
    "trainer.profiler", "trainer.reload_dataloaders_every_n_epochs",
    "wandb_media",
)  # fmt: skip
# A resumed run may change these, but its numbers may differ from those of an uninterrupted run.
WARNED = {
    "trainer.max_epochs": "the learning rate keeps the cycle that it started with",
    "trainer.max_steps": "the learning rate keeps the cycle that it started with",
    "trainer.callbacks": "a callback may change the training",
    "trainer.accelerator": "the weights will not be bit-identical",
    "trainer.devices": "the weights will not be bit-identical",
    "trainer.num_nodes": "the weights will not be bit-identical",
    "trainer.strategy": "the weights will not be bit-identical",
    "trainer.precision": "the weights will not be bit-identical",
    "acceleration": "the weights will not be bit-identical",
    "trainer.deterministic": "the weights may not be bit-identical",
    "trainer.benchmark": "the weights may not be bit-identical",
}
# On which hardware a run was computed: no reason for `reproduce` to train again.
HARDWARE = ("trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy")
# Trained weights would still load with other values, but their scores would mean nothing.
FIXED = ("data.modalities", "data.target", "model.network")
FOLDS = {"data.folds", "data.fold"}
# While these are unchanged, the split is read from the run, so that cases which were added to the
# folder since do not change it.
SPLIT = (
    "data.root", "data.release", "data.phantom", "data.split_sizes", "data.split_seed",
    "data.split_file", *sorted(FOLDS),
)  # fmt: skip


def is_below(option: str, names: Iterable[str]) -> bool:
    """Whether a dotted option is one of the named options or belongs to one."""
    return any(option == name or option.startswith(f"{name}.") for name in names)
