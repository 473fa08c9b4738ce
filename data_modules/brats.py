"""The data module: from a folder of cases to batches of slices."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from data_modules import options as option_checks
from data_modules.augmentation.presets import Preset, chosen_augmentation
from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch
from data_modules.cache.identical import identical_images
from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import DEFAULT_FOLDER, SliceCache
from data_modules.cache.slice_selection import SliceChoice
from data_modules.catalog.cases import Case, missing_files
from data_modules.catalog.releases import Modality
from data_modules.catalog.source import Source, source_of
from data_modules.catalog.split_rule import SplitRule, split_cases
from data_modules.catalog.splits import SPLITS, SplitSizes, check_needed, without_bad
from data_modules.dataloaders import check_shards, make_loader, overfits, progress
from data_modules.dataset import SliceDataset, check_epochs_differ
from data_modules.device_dataset import DeviceDataset
from data_modules.phantom.options import PhantomOptions
from data_modules.samplers import EpochBatches, GroupedBatches, OrderedBatches, UnshuffledBatches
from data_modules.targets import TARGETS, Target, TargetName
from data_modules.training_cases import TrainingCases, find_training_cases, label_remarks
from data_modules.tumour_sampling import TumourSampling
from data_modules.utils.errors import DataError
from data_modules.utils.hashing import short_hash
from data_modules.utils.problems import Problem, by_case, check_usable, log_problems
from data_modules.utils.words import counted
from data_modules.window import BrainWindow, WindowChoice

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
        folds: Folds of a cross-validation, dealt by split_seed; null for a split by split_sizes.
        fold: The fold to test, from 0; the epoch is chosen on the next one, the rest is trained on.
        image_size: Height and width of the slices, by centre padding or cropping.
        window: Height and width of the part of the slices, centred on the brain, that the network
            gets; auto for the smallest multiples of 16 that hold every training brain, null for
            whole slices. In validation and test a brain that does not fit gets a larger window.
        tumour_share: Share of slices with target in each training batch; null to draw slices
            whether they have any or not.
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
        folds: int | None = None,
        fold: int = 0,
        image_size: tuple[int, int] = (240, 240),
        window: WindowChoice = None,
        tumour_share: float | None = None,
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
        option_checks.check_workers(num_workers)
        option_checks.check_slices(slices=slices, eval_slices=eval_slices)
        option_checks.check_words(target=target, augmentation=augmentation, on_bad_case=on_bad_case)
        self.root = None if root is None or Path(root) == PHANTOM else Path(root)
        self.phantom = phantom
        self.release = release
        self.modalities = tuple(modalities)
        self.target: Target = TARGETS[target]
        self.choices = {"train": slices, "eval": slices if eval_slices is None else eval_slices}
        file = None if split_file is None else Path(split_file)
        self.split_rule = SplitRule(split_sizes, split_seed, file, folds, fold)
        self.batch_size = batch_size
        self.num_workers = 0 if on_device else num_workers
        self.on_device = on_device
        self.on_bad_case = on_bad_case
        self.augmentation = chosen_augmentation(augmentation, augmentations, seed, flip=flip)
        self.seed = seed
        self.cache = SliceCache(Path(cache_dir), image_size, needs_brains=window is not None)
        self.window = BrainWindow(window, image_size)
        self._sampling = TumourSampling(tumour_share, batch_size)
        self.splits: dict[str, list[Case]] = {}
        self.datasets: dict[str, SliceDataset] = {}
        self._device_datasets: dict[str, DeviceDataset] = {}
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self._unsplit: list[Case] = []
        self.arrays: dict[str, tuple[SliceArray, ...]] = {}
        self.source = Source("phantom" if self.root is None else "files")
        self.fingerprint = ""
        self.spacing: dict[str, tuple[float, float]] = {}

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
        batches: dict[str, EpochBatches | OrderedBatches] = {"train": self.epoch_batches()}
        batches |= {split: self._ordered_batches(split) for split in ("val", "test")}
        check_shards({s: b for s, b in batches.items() if len(self.datasets[s])}, self.trainer)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the training split, shuffled; a resumed training continues mid-epoch."""
        self._sampling.find(self.datasets["train"], self.target)
        return self._loader("train", self.epoch_batches(*progress(self.trainer)))

    @property
    def train_batches(self) -> int:
        """Batches of a training epoch, over all devices; known once the data are set up."""
        return len(self.epoch_batches())

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of the validation split, in order."""
        return self._loader("val", self._ordered_batches("val"))

    def test_dataloader(self) -> DataLoader[Batch]:
        """Batches of the test split, in order."""
        return self._loader("test", self._ordered_batches("test"))

    def on_exception(self, exception: BaseException) -> None:
        """End the training's workers, which Lightning leaves if a validation fails."""
        if self.trainer is not None:
            self.trainer.fit_loop.teardown()  # Python would wait for them at its end

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

    def epoch_batches(self, epoch: int = 0, skip: int = 0) -> EpochBatches:
        """The batches of sample indices of a training, from an epoch on."""
        sampler = UnshuffledBatches if overfits(self.trainer) else self._sampling.batches
        return sampler(len(self.datasets["train"]), self.batch_size, self.seed, epoch, skip)

    def _ordered_batches(self, split: str) -> OrderedBatches:
        return GroupedBatches(self.datasets[split].groups, self.batch_size)

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
        self.remarks += self.window.find(self.splits, arrays)
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
        found = find_training_cases(root, self.release, self.split_rule.file)
        self.remarks = list(found.remarks)
        self.source = source_of(case.folder for case in found.cases)
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
        ids = split_cases(self.split_rule, self._unsplit, known)
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
        windows = self.window.by_split.get(split)
        dataset = SliceDataset(cases, images, labels, whole_volumes=whole, windows=windows)
        if cases and len(dataset) == 0:
            number = counted(len(cases), "case")
            raise DataError(f"no slice in split {split}: {number}, data.slices {choice}")
        return dataset

    def check_stage(self, stage: str) -> None:
        """Raise DataError if a stage lacks a split, or fit a target in the validation split."""
        check_needed(stage, self.splits, self.split_rule.sizes)
        if stage == "fit":
            self._sampling.find(self.datasets["train"], self.target)
            check_epochs_differ(self.datasets["val"], self.target)
