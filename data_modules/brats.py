"""The data module: from a root on disk to batches of slices."""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from data_modules import options as option_checks
from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import SliceCache
from data_modules.cache.slice_selection import SliceChoice
from data_modules.catalog.cases import Case, find_cases, missing_files
from data_modules.catalog.splits import SPLITS, SplitSizes, read_split, split_patients
from data_modules.dataloaders import check_divides, check_shares, device_of, make_loader
from data_modules.dataset import Batch, SliceDataset
from data_modules.device_dataset import DeviceDataset
from data_modules.phantom.options import PhantomOptions, lies_in_phantom
from data_modules.progress import reached
from data_modules.samplers import EpochBatches, OrderedBatches
from data_modules.targets import TARGETS, Target, TargetName
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem, by_case, in_a_line, log_problems

PHANTOM = Path("phantom")


class BraTSDataModule(LightningDataModule):
    """Axial slices of BraTS volumes with their labels, split by patient.

    Args:
        root: Folder with the cases, at any depth; null or the word phantom for a synthetic phantom.
        phantom: The phantom that is made, once, where there is no other root.
        release: Which BraTS release the files follow: auto tells it from their names.
        modalities: MRI contrasts, one channel each.
        target: What is to be segmented: whole (labels 1 + 2 + 3), core (1 + 3), enhancing (3),
            regions (these three, overlapping) or labels (the three labels, exclusive).
        slices: Which slices: middle, largest (most target), tumour (all with target), all (with
            brain), or a list of indices. largest and tumour look at the truth.
        eval_slices: The same for validation and test; null for the same as slices.
        split_sizes: Cases for training, validation and test: three counts, three fractions, or null
            for 1000 : 125 : 126. Always split by patient.
        split_seed: Seed of the split, apart from that of the training.
        split_file: A CSV file with the columns case and side that says who is where.
        image_size: Height and width of the slices, by centre padding or cropping.
        batch_size: Slices a batch, over all devices.
        num_workers: Processes that load batches; 0 loads them in the training process.
        on_device: Copy all slices into the memory of the device, once, and make the batches there;
            num_workers is then of no use. Of several devices each holds all slices.
        cache_dir: Where the prepared slices are kept, shared by all runs.
        on_bad_case: What to do about a case with a missing or bad file: stop, or skip it.
        flip: Mirror training slices left to right at random.
        seed: Seed of shuffling and flips; follows seed_everything.
    """

    def __init__(
        self,
        root: Path | None = None,
        phantom: PhantomOptions = PhantomOptions(),  # noqa: B008 (frozen)
        release: str = "auto",
        modalities: Sequence[Literal["t1n", "t1c", "t2w", "t2f"]] = ("t1c",),
        target: TargetName = "whole",
        slices: SliceChoice = "middle",
        eval_slices: SliceChoice | None = None,
        split_sizes: SplitSizes = None,
        split_seed: int = 0,
        split_file: Path | None = None,
        image_size: tuple[int, int] = (240, 240),
        batch_size: int = 32,
        num_workers: int = 0,
        on_device: bool = False,  # noqa: FBT001, FBT002 (an option of the command line)
        cache_dir: Path = Path("cache"),
        on_bad_case: Literal["stop", "skip"] = "stop",
        flip: bool = False,  # noqa: FBT001, FBT002 (an option of the command line)
        seed: int = 0,
    ) -> None:
        super().__init__()
        option_checks.check_modalities(modalities)
        option_checks.check_sizes(image_size)
        option_checks.check_least(1, batch_size=batch_size)
        option_checks.check_least(0, num_workers=num_workers, split_seed=split_seed)
        option_checks.check_indices(slices=slices, eval_slices=eval_slices)
        self.root = None if root == PHANTOM else root
        self.phantom = phantom
        self.release = release
        self.modalities = tuple(modalities)
        self.target: Target = TARGETS[target]
        self.choices = {"train": slices, "eval": slices if eval_slices is None else eval_slices}
        self.split_sizes = split_sizes
        self.split_seed = split_seed
        self.split_file = split_file
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.on_device = on_device
        self.on_bad_case = on_bad_case
        self.flip = flip
        self.seed = seed
        self.cache = SliceCache(cache_dir, image_size)
        self.sides: dict[str, list[Case]] = {}
        self.datasets: dict[str, SliceDataset] = {}
        self._resident: dict[str, DeviceDataset] = {}
        self.problems: list[Problem] = []
        self.arrays: dict[str, tuple[SliceArray, ...]] = {}
        self.is_phantom = self.root is None
        self.fingerprint = ""
        self.spacing: dict[str, tuple[float, float]] = {}

    def prepare_data(self) -> None:
        """Find the cases, split them, and fill the cache."""
        self._load()

    def setup(self, stage: str) -> None:
        """Open the arrays of the cache, and say what is wrong with files that are there.

        Raises:
            DataError: bad data or options; for ``fit``, a validation side without target.
        """
        if not self.datasets:
            self._load()
        log_problems(self.problems)
        self._check_shares()
        if stage == "fit":
            self.check_validation()

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches of the training side, from where a resumed training goes on."""
        epoch, seen = (0, 0) if self.trainer is None else reached(self.trainer)
        return self._loader("train", self._epoch_batches(epoch, seen))

    def cases_of_batch(self, epoch: int, batch: int) -> list[str]:
        """The cases in a batch of training, sorted."""
        dataset = self.datasets["train"]
        items = self._epoch_batches().batches(epoch)[batch]
        return sorted({dataset.cases[dataset.case_index[index]].id for _, index in items})

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of the validation side, in order."""
        return self._loader("val", OrderedBatches(len(self.datasets["val"]), self.batch_size))

    def test_dataloader(self) -> DataLoader[Batch]:
        """Batches of the test side, in order."""
        return self._loader("test", OrderedBatches(len(self.datasets["test"]), self.batch_size))

    def _epoch_batches(self, epoch: int = 0, skip: int = 0) -> EpochBatches:
        return EpochBatches(len(self.datasets["train"]), self.batch_size, self.seed, epoch, skip)

    def check_devices(self, devices: int) -> None:
        """Raise DataError where the global batch cannot be dealt out evenly."""
        check_divides(self.batch_size, devices)

    def _check_shares(self) -> None:
        smallest = {side: len(dataset) for side, dataset in self.datasets.items()}
        smallest["train"] = min(self._epoch_batches().sizes())
        check_shares(smallest, self.trainer)

    def _loader(self, side: str, batches: EpochBatches | OrderedBatches) -> DataLoader[Batch]:
        if self.on_device and self.trainer is not None and side not in self._resident:
            self._resident[side] = DeviceDataset(self.datasets[side], device_of(self.trainer))
        dataset = self._resident.get(side, self.datasets[side])
        return make_loader(dataset, batches, self.num_workers, self.seed, self.trainer)

    def _load(self) -> None:
        self.problems, self._resident = [], {}
        sides = self._split(self._find())
        # In one order and for all sides at once: the split must not change the arrays' keys.
        everyone = sorted((c for side in SPLITS for c in sides[side]), key=lambda case: case.id)
        with self.cache.workers:
            arrays = {part: self._open(everyone, choice) for part, choice in self.choices.items()}
        self._note(p for a in chain(*arrays.values()) for p in (*a.bad.values(), *a.warnings))
        left_out = self.left_out
        for side in SPLITS:
            self.sides[side] = [case for case in sides[side] if case.id not in left_out]
            self.datasets[side] = self._dataset(side, arrays[_part(side)])
        self.arrays = arrays
        self.fingerprint = _hash(" ".join(a.digest for p in sorted(arrays) for a in arrays[p]))
        *_, labels = arrays["train"]
        self.spacing = labels.spacing_range([case.id for case in self.sides["train"]])

    def _find(self) -> list[Case]:
        root = self.root or self.phantom.make_below(self.cache.folder)
        cases = find_cases(root, self.release)
        if len(cases) == 1 and cases[0].id == root.resolve().name:
            raise DataError(
                f"data.root '{root}' is a single case, expected the folder above it: "
                f"'{root.resolve().parent}'"
            )
        self.is_phantom = any(lies_in_phantom(case.folder) for case in cases)
        return cases

    def _note(self, problems: Iterable[Problem]) -> None:
        """Keep in mind what is wrong; stop at cases that cannot be used and shall not be skipped.

        Raises:
            DataError: there are such cases.
        """
        self.problems = list(dict.fromkeys([*self.problems, *problems]))
        bad = [problem for problem in self.problems if not problem.is_warning]
        if bad and self.on_bad_case == "stop":
            raise DataError(
                f"bad cases: {in_a_line(bad)}; mend them (`prepare` says how), or leave them out "
                "with --data.on_bad_case skip"
            )

    @property
    def left_out(self) -> dict[str, str]:
        """The cases that cannot be used, and why."""
        return {
            case: "; ".join(map(str, bad))
            for case, problems in by_case(self.problems).items()
            if (bad := [problem for problem in problems if not problem.is_warning])
        }

    def _split(self, cases: Sequence[Case]) -> dict[str, list[Case]]:
        """The cases of each side that have every file that is needed."""
        self._note(p for case in cases for p in case.problems)
        self._note(p for case in cases if (p := missing_files(case, self.modalities)))
        left_out = self.left_out
        usable = {case.id: case for case in cases if case.id not in left_out}
        if self.split_file is not None:
            split = read_split(self.split_file, {case.id: case.patient for case in cases})
        else:
            patients = {case.id: case.patient for case in usable.values()}
            split = split_patients(patients, self.split_sizes, self.split_seed)
        return {side: [usable[case] for case in split[side] if case in usable] for side in SPLITS}

    def _open(self, cases: Sequence[Case], choice: SliceChoice) -> tuple[SliceArray, ...]:
        """The arrays of the modalities, then that of the labels."""
        labels = self.cache.labels(cases, choice, self.target.foreground)
        images = (self.cache.images(cases, m, choice, labels) for m in self.modalities)
        return (*images, labels)

    def _dataset(self, side: str, arrays: tuple[SliceArray, ...]) -> SliceDataset:
        *images, labels = arrays
        flip_seed = self.seed if self.flip and side == "train" else None
        dataset = SliceDataset(self.sides[side], images, labels, flip_seed)
        if len(dataset) == 0:
            choice = self.choices[_part(side)]
            raise DataError(
                f"no slice on side {side}: {len(self.sides[side])} cases, data.slices {choice}"
            )
        return dataset

    def check_validation(self) -> None:
        """Raise DataError where the validation side holds no target."""
        counts = self.datasets["val"].label_counts()
        if not counts[list(self.target.foreground)].any():
            raise DataError(
                f"the {len(self.datasets['val'])} slices of the validation side hold no pixel of "
                f"target '{self.target.name}', so no epoch could be told from another; change "
                "data.slices, data.target, data.split_sizes or data.split_seed"
            )

    @property
    def kind(self) -> str:
        """What the data are, in words for tables."""
        return "synthetic phantom" if self.is_phantom else "files"

    def summary(self) -> str:
        """One line: cases, patients, releases, and what is on each side."""
        cases = [case for side in SPLITS for case in self.sides[side]]
        releases = ", ".join(sorted({case.release.name for case in cases}))
        patients = len({case.patient for case in cases})
        cases_a_side = " / ".join(str(len(self.sides[side])) for side in SPLITS)
        slices_a_side = " / ".join(str(len(self.datasets[side])) for side in SPLITS)
        return (
            f"{len(cases)} cases of {patients} patients ({releases}); {' / '.join(SPLITS)}: "
            f"{cases_a_side} cases, {slices_a_side} slices"
        )

    def split_rows(self) -> list[tuple[str, str, str]]:
        """Case, patient and side of every case that is used, sorted by case."""
        return sorted((case.id, case.patient, side) for side in SPLITS for case in self.sides[side])

    def description(self) -> dict[str, Any]:
        """What a run or a test must record of its data; JSON types only."""
        rows = "\n".join(",".join(row) for row in self.split_rows())
        return {
            "kind": "phantom" if self.is_phantom else "files",
            "root": None if self.root is None else str(self.root),
            "fingerprint": self.fingerprint,
            "split": _hash(rows),
            "modalities": list(self.modalities),
            "target": self.target.name,
            "slices": self.choices["train"],
            "eval_slices": self.choices["eval"],
            "spacing": self.spacing,
            "left_out": self.left_out,
        }


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def _part(side: str) -> str:
    """Validation and test share their choice of slices."""
    return "train" if side == "train" else "eval"
