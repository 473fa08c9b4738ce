"""The data module: from a folder of cases to batches of slices."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from data_modules import options as option_checks
from data_modules.augmentation.augmentation import Augmentation
from data_modules.augmentation.horizontal_flip import HorizontalFlip
from data_modules.augmentation.presets import PRESETS, Preset
from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch
from data_modules.cache.identical import identical_images
from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import DEFAULT_FOLDER, SliceCache
from data_modules.cache.slice_selection import SliceChoice
from data_modules.catalog.cases import Case, missing_files
from data_modules.catalog.releases import Modality
from data_modules.catalog.splits import SPLITS, SplitSizes, check_needed, split_cases, without_bad
from data_modules.dataloaders import check_divides, check_shards, make_loader, overfits, progress
from data_modules.dataset import SliceDataset
from data_modules.device_dataset import DeviceDataset
from data_modules.phantom.options import PhantomOptions, lies_in_phantom
from data_modules.samplers import EpochBatches, OrderedBatches, UnshuffledBatches
from data_modules.targets import TARGETS, Target, TargetName
from data_modules.training_cases import TrainingCases, find_training_cases, label_remarks
from data_modules.utils.errors import DataError
from data_modules.utils.hashing import short_hash
from data_modules.utils.problems import Problem, by_case, check_usable, log_problems
from data_modules.utils.words import counted

PHANTOM = Path("phantom")
_PARAMETERS = "augmentation"  # key of a batch on its way to the device


class BraTSDataModule(LightningDataModule):
    """Axial slices of BraTS volumes with their labels, split by patient.

    A training batch is augmented once a Trainer has moved it to the device; ``augment`` does it
    without a Trainer.

    Args:
        root: Folder with the cases, at any depth; null or the word phantom for a synthetic phantom.
        phantom: The phantom to generate, once, if there is no other root.
        release: Which BraTS release the files follow; auto infers it from their names.
        modalities: MRI contrasts, one channel each.
        target: What to segment: whole (labels 1 + 2 + 3), core (1 + 3), enhancing (3),
            regions (these three, overlapping) or labels (the three labels, exclusive).
        slices: Which slices: middle, largest (most target), tumour (all with target), all (with
            brain), or a list of indices. largest and tumour look at the ground truth.
        eval_slices: The same for validation and test; null for the same as slices. all counts every
            slice there: those without brain are background, and in no batch.
        split_sizes: Cases for training, validation and test: three counts, three fractions, null
            for 1000 : 125 : 126, or all-test to test all cases. Always split by patient.
        split_seed: Seed of the split, independent of the training's seed.
        split_file: A CSV file with the columns case and side, patient, or both: side assigns cases
            to splits, patient says whose they are.
        image_size: Height and width of the slices, by centre padding or cropping.
        batch_size: Slices per batch, over all devices.
        num_workers: Processes that load batches; 0 loads them in the training process.
        on_device: Copy all slices to the memory of the device, once, and gather the batches there;
            num_workers is then ignored. Each of several devices holds all slices.
        cache_dir: Where the prepared slices are kept, shared by all runs.
        on_bad_case: What to do about a case with a missing or bad file: stop, or skip it.
        flip: Mirror training slices left to right at random.
        augmentation: A preset of transforms of the training slices: none, light or strong.
        augmentations: Further transforms of the training slices, in order.
        seed: Seed of shuffling and augmentation; follows seed_everything.
    """

    def __init__(
        self,
        root: Path | str | None = None,
        phantom: PhantomOptions = PhantomOptions(),  # noqa: B008 (frozen)
        release: str = "auto",
        modalities: Sequence[Modality] = ("t1c",),
        target: TargetName = "whole",
        slices: SliceChoice = "middle",
        eval_slices: SliceChoice | None = None,
        split_sizes: SplitSizes = None,
        split_seed: int = 0,
        split_file: Path | str | None = None,
        image_size: tuple[int, int] = (240, 240),
        batch_size: int = 32,
        num_workers: int = 0,
        on_device: bool = False,  # noqa: FBT001, FBT002 (an option of the command line)
        cache_dir: Path | str = DEFAULT_FOLDER,
        on_bad_case: Literal["stop", "skip"] = "stop",
        flip: bool = False,  # noqa: FBT001, FBT002 (an option of the command line)
        augmentation: Preset = "none",
        augmentations: Sequence[Transform] = (),
        seed: int = 0,
    ) -> None:
        super().__init__()
        option_checks.check_modalities(modalities)
        option_checks.check_image_size(image_size)
        option_checks.check_at_least(1, batch_size=batch_size)
        option_checks.check_at_least(0, split_seed=split_seed)
        option_checks.check_workers(num_workers)
        option_checks.check_slices(slices=slices, eval_slices=eval_slices)
        self.root = None if root is None or Path(root) == PHANTOM else Path(root)
        self.phantom = phantom
        self.release = release
        self.modalities = tuple(modalities)
        self.target: Target = TARGETS[target]
        self.choices = {"train": slices, "eval": slices if eval_slices is None else eval_slices}
        self.split_sizes = split_sizes
        self.split_seed = split_seed
        self.split_file = None if split_file is None else Path(split_file)
        self.batch_size = batch_size
        self.num_workers = 0 if on_device else num_workers
        self.on_device = on_device
        self.on_bad_case = on_bad_case
        # Stream 0 belongs to the flip, used or not: to switch it changes no other transform.
        flips = [HorizontalFlip()] if flip else []
        transforms = [*flips, *PRESETS[augmentation](), *augmentations]
        self.augmentation = Augmentation(transforms, seed, 1 - len(flips))
        self.seed = seed
        self.cache = SliceCache(Path(cache_dir), image_size)
        self.splits: dict[str, list[Case]] = {}
        self.datasets: dict[str, SliceDataset] = {}
        self._device_datasets: dict[str, DeviceDataset] = {}
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self._unsplit: list[Case] = []
        self.arrays: dict[str, tuple[SliceArray, ...]] = {}
        self.is_phantom = self.root is None
        self.fingerprint = ""
        self.spacing: dict[str, tuple[float, float]] = {}

    @property
    def kind(self) -> str:
        """What the data are, in words for tables."""
        return "synthetic phantom" if self.is_phantom else "files"

    def prepare_data(self) -> None:
        """Find the cases, split them, and fill the cache."""
        self._load()

    def setup(self, stage: str) -> None:
        """Open the arrays of the cache, and log what is wrong with the files and workers.

        Raises:
            DataError: Bad data or options, or see ``check_stage``.
        """
        if not self.datasets:
            self._load()
        log_problems(self.problems, self.remarks + option_checks.worker_remarks(self.num_workers))
        self.check_stage(stage)
        self._check_shards()

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the training split, shuffled; a resumed training continues mid-epoch."""
        return self._loader("train", self._epoch_batches(*progress(self.trainer)))

    @property
    def train_batches(self) -> int:
        """Batches of a training epoch, over all devices; known once the data are set up."""
        return len(self._epoch_batches())

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of the validation split, in order."""
        return self._loader("val", OrderedBatches(len(self.datasets["val"]), self.batch_size))

    def test_dataloader(self) -> DataLoader[Batch]:
        """Batches of the test split, in order."""
        return self._loader("test", OrderedBatches(len(self.datasets["test"]), self.batch_size))

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Draw the augmentation of a training batch while its sample indices are on the host."""
        if self.trainer is None or not self.trainer.training or not self.augmentation.transforms:
            return batch
        drawn = self.augmentation.draw(self.trainer.current_epoch, batch["sample"].tolist())
        if self.trainer.strategy.root_device.type == "cuda":
            drawn = [changes.pinned() for changes in drawn]
        return {**batch, _PARAMETERS: drawn}

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Apply, on the device, what was drawn before the transfer."""
        if not isinstance(batch, dict) or _PARAMETERS not in batch:
            return batch
        return self.augmentation(batch, batch.pop(_PARAMETERS))

    def augment(self, batch: Batch, epoch: int) -> Batch:
        """A batch of ``train_dataloader`` as the network gets it in an epoch."""
        return self.augmentation.augment(batch, epoch)

    def cases_of_batch(self, epoch: int, batch: int) -> list[str]:
        """The cases in a training batch, sorted."""
        dataset = self.datasets["train"]
        indices = self._epoch_batches().batches(epoch)[batch]
        return sorted({dataset.cases[dataset.case_index[index]].id for index in indices})

    def check_devices(self, devices: int) -> None:
        """Raise DataError if the global batch cannot be sharded evenly."""
        check_divides(self.batch_size, devices)

    def _check_shards(self) -> None:
        smallest = {split: len(dataset) for split, dataset in self.datasets.items() if len(dataset)}
        if "train" in smallest:
            smallest["train"] = min(self._epoch_batches().sizes())
        check_shards(smallest, self.trainer)

    def _epoch_batches(self, epoch: int = 0, skip: int = 0) -> EpochBatches:
        sampler = UnshuffledBatches if overfits(self.trainer) else EpochBatches
        return sampler(len(self.datasets["train"]), self.batch_size, self.seed, epoch, skip)

    def _loader(self, split: str, batches: EpochBatches | OrderedBatches) -> DataLoader[Batch]:
        if self.on_device and self.trainer is not None and split not in self._device_datasets:
            device = self.trainer.strategy.root_device
            self._device_datasets[split] = DeviceDataset(self.datasets[split], device)
        dataset = self._device_datasets.get(split, self.datasets[split])
        return make_loader(dataset, batches, self.num_workers, self.seed, self.trainer)

    def _load(self) -> None:
        self.problems, self._device_datasets = [], {}
        splits = self._split(self._find())
        # In one order and for all splits at once: the split must not change the keys of the arrays.
        cases = sorted((c for split in SPLITS for c in splits[split]), key=lambda case: case.id)
        self.arrays = arrays = self._read(cases)
        self.splits = without_bad(splits, self.left_out)
        self.datasets = {split: self._dataset(split, arrays) for split in SPLITS}
        self.fingerprint = short_hash(" ".join(a.digest for p in sorted(arrays) for a in arrays[p]))
        self.spacing = arrays["train"][-1].spacing_range([case.id for case in self.splits["train"]])

    def read_unsplit(self) -> bool:
        """If no split was possible, read all cases, for what is wrong; whether there were any."""
        return bool(self._unsplit and self._read(self._unsplit))

    def _read(self, cases: Sequence[Case]) -> dict[str, tuple[SliceArray, ...]]:
        """The arrays of each choice of slices; notes what is wrong with their files."""
        with self.cache.workers:
            arrays = {part: self._open(cases, choice) for part, choice in self.choices.items()}
        self._note(p for a in chain(*arrays.values()) for p in (*a.bad.values(), *a.warnings))
        *images, labels = arrays["train"]
        self._note(identical_images(cases, self.modalities, images))
        self.remarks += label_remarks(cases, labels.stored)
        return arrays

    def _find(self) -> TrainingCases:
        root = self.root or self.phantom.make_below(self.cache.folder)
        found = find_training_cases(root, self.release, self.split_file)
        self.remarks = list(found.remarks)
        self.is_phantom = any(lies_in_phantom(case.folder) for case in found.cases)
        return found

    def _note(self, problems: Iterable[Problem]) -> None:
        """Record problems, and stop at unusable cases unless they are to be skipped."""
        self.problems = list(dict.fromkeys([*self.problems, *problems]))
        if self.on_bad_case == "stop":
            check_usable(self.problems)

    @property
    def left_out(self) -> dict[str, str]:
        """The cases that cannot be used, and why."""
        bad = by_case(problem for problem in self.problems if not problem.is_warning)
        return {case: "; ".join(map(str, problems)) for case, problems in bad.items()}

    def _split(self, found: TrainingCases) -> dict[str, list[Case]]:
        """The cases of each split that have all required files."""
        missing = (missing_files(case, self.modalities) for case in found.cases)
        self._note(chain(*(case.problems for case in found.cases), filter(None, missing)))
        left_out = self.left_out
        self._unsplit = [case for case in found.cases if case.id not in left_out]
        usable = {case.id: case for case in self._unsplit}
        known = [*found.cases, *found.held_out]
        ids = split_cases(self._unsplit, known, self.split_file, self.split_sizes, self.split_seed)
        self._unsplit = []
        return {split: [usable[case] for case in ids[split] if case in usable] for split in SPLITS}

    def _open(self, cases: Sequence[Case], choice: SliceChoice) -> tuple[SliceArray, ...]:
        """The arrays of the modalities, followed by the array of the labels."""
        labels = self.cache.labels(cases, choice, self.target.foreground)
        images = (self.cache.images(cases, m, choice, labels) for m in self.modalities)
        return (*images, labels)

    def _dataset(self, split: str, arrays: Mapping[str, tuple[SliceArray, ...]]) -> SliceDataset:
        cases, part = self.splits[split], "train" if split == "train" else "eval"
        choice, (*images, labels) = self.choices[part], arrays[part]
        whole = (part, choice) == ("eval", "all")
        dataset = SliceDataset(cases, images, labels, whole_volumes=whole)
        if cases and len(dataset) == 0:
            number = counted(len(cases), "case")
            raise DataError(f"no slice in split {split}: {number}, data.slices {choice}")
        return dataset

    def check_stage(self, stage: str) -> None:
        """Raise DataError if a stage lacks a split, or fit a target in the validation split."""
        check_needed(stage, self.splits, self.split_sizes)
        dataset, target = self.datasets["val"], self.target
        if stage == "fit" and not dataset.target_pixels(target.foreground).any():
            raise DataError(
                f"the validation split has no pixel of target '{target.name}', so no epoch is "
                "better than another; change data.slices, data.target or data.split_seed"
            )
