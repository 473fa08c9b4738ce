"""A patient of 240 x 240 x 155, from file to file: as before, as it is now, and with MONAI.

Everything is a command as a user types it, and is measured as CPU time of all its threads.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import nibabel
import numpy as np

from benchmarks.utils.measuring import ROOT, alternate, cpu_seconds, run_process
from benchmarks.utils.phantoms import link_many, phantom
from benchmarks.utils.precision import CPU_YAML, NAME
from benchmarks.utils.revision import earlier_program
from benchmarks.utils.rows import Row, ratio_row
from benchmarks.workers.exported_model import MODEL, RUNS

ROUNDS = {16: 5, 64: 2}  # by width of the first level
EPOCHS = {16: "6", 64: "2"}
GOALS = {"auto": 2.5, "null": 1.3}  # by the window of the training
TITLES = {"auto": "trained with the window", "null": "trained on whole slices"}
FLOAT32 = ["--trainer.precision", "32-true"]
Workload = Callable[[int], float]  # of the number of patients


@dataclass(frozen=True)
class Trained:
    """A network, trained and exported.

    Attributes:
        folder: with its run, its exported model, and one or two patients.
        width: of the first level.
        window: ``auto`` or ``null``.
    """

    folder: Path
    width: int
    window: str

    @property
    def title(self) -> str:
        """In the table."""
        return f"ASPP, widths {self.width} to {16 * self.width}, {TITLES[self.window]}"

    @property
    def run(self) -> list[str]:
        """Options of ``predict`` with the run."""
        runs = self.folder / self.window / RUNS
        return ["--run", "benchmark", "--trainer.default_root_dir", str(runs)]

    @property
    def model(self) -> list[str]:
        """Options of ``predict`` with the exported model."""
        return ["--model", str(self.folder / self.window / MODEL), "--runtime", "openvino"]


@dataclass(frozen=True)
class Times:
    """CPU seconds in each round.

    Attributes:
        cold: of the command for one patient.
        further: of each further patient of the same command.
    """

    cold: list[float]
    further: list[float]


def measure() -> list[Row]:
    """Each width, with a network that was trained with the window and one that was not."""
    rows = []
    with earlier_program() as before:
        for width in ROUNDS:
            with TemporaryDirectory() as folder:
                rows += _rows(width, Path(folder), before)
    return rows


def _rows(width: int, folder: Path, before: Path) -> list[Row]:
    patient = next(path for path in phantom(folder, 1, 155).iterdir() if path.is_dir())
    for count in (1, 2):
        link_many([patient], folder / f"patients-{count}", count)
    networks = [_trained(folder, width, window) for window in TITLES]
    workloads: dict[tuple[str, str], Workload] = {
        ("", "monai"): partial(_monai, folder, width, []),
        ("", "optimised"): partial(_monai, folder, width, ["--optimise"]),
    }
    for network in networks:
        by_run = [*network.run, *CPU_YAML]
        workloads |= {
            (network.window, "before"): partial(_predict, network, by_run, before),
            (network.window, "now"): partial(_predict, network, network.model, ROOT),
            (network.window, "cpu.yaml"): partial(_predict, network, by_run, ROOT),
        }
    counted = [partial(work, count) for work in workloads.values() for count in (1, 2)]
    found = alternate(*counted, rounds=ROUNDS[width], warm_ups=0)
    times = {
        how: Times(one, [more - first for more, first in zip(two, one, strict=True)])
        for how, one, two in zip(workloads, found[::2], found[1::2], strict=True)
    }
    return [row for network in networks for row in _network_rows(network, times)]


def _trained(folder: Path, width: int, window: str) -> Trained:
    worker = [sys.executable, "-m", "benchmarks.workers.exported_model", str(folder / window)]
    run_process([*worker, str(width), window, "--epochs", EPOCHS[width]])
    return Trained(folder, width, window)


def _predict(network: Trained, words: list[str], program: Path, count: int) -> float:
    folder = network.folder
    files = [
        "--input",
        str(folder / f"patients-{count}"),
        "--output",
        str(folder / f"masks-{count}"),
    ]
    command = [sys.executable, str(program / "main.py"), "predict", *files, "--overwrite", *words]
    return cpu_seconds(command, root=program)


def _monai(folder: Path, width: int, optimise: list[str], count: int) -> float:
    words = [str(width), str(folder / f"patients-{count}"), *optimise]
    return cpu_seconds([sys.executable, "-m", "benchmarks.workers.patient_monai", *words])


def _network_rows(network: Trained, times: dict[tuple[str, str], Times]) -> list[Row]:
    window = network.window
    beside = {
        "`predict --run` now": times[window, "cpu.yaml"],
        "MONAI as installed": times["", "monai"],
        "MONAI with our optimisations": times["", "optimised"],
    }
    before, now = times[window, "before"], times[window, "now"]
    how = "`predict --model --runtime openvino` against `predict --run` with cpu.yaml before"
    return [
        ratio_row(
            f"{network.title}: a further patient, {how}",
            before.further, now.further, goal=GOALS[window],
            conditions="; ".join(f"{name} {median(t.further):.1f} s" for name, t in beside.items()),
        ),
        ratio_row(
            f"{network.title}: the command for one patient, {how}",
            before.cold, now.cold, goal=GOALS[window],
            conditions="; ".join(f"{name} {median(t.cold):.1f} s" for name, t in beside.items()),
        ),
        _difference_row(network),
    ]  # fmt: skip


def _difference_row(network: Trained) -> Row:
    """How the masks differ from those of the network in float32."""
    masks = []
    for words in ([*network.run, *FLOAT32], network.model):
        _predict(network, words, ROOT, 1)
        (file,) = (network.folder / "masks-1").glob("*.nii.gz")
        masks.append(np.asanyarray(nibabel.load(file).dataobj))
    expected, found = masks
    return Row(
        f"{network.title}: voxels that differ from the network's in float32",
        f"{np.count_nonzero(expected != found):,} of {np.count_nonzero(expected):,} of the tumour",
        conditions=f"{NAME}, as cpu.yaml; the network was trained for a few epochs only",
    )
