"""Exported networks: file sizes, differences, and CPU time by each runtime.

The networks have random weights. Everything runs on one thread and is measured as CPU time, so that
other programs on the machine matter little. All variants take turns.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import (
    ONE_THREAD,
    ROOT,
    alternate,
    cpu_seconds,
    run_process,
    run_worker,
)
from benchmarks.utils.phantoms import link_many, phantom
from benchmarks.utils.rows import Row
from benchmarks.workers.exported_model import MODEL, RUNS
from lightning_app.export.verification import LARGEST_DIFFERENCE, LARGEST_SHARE

NETWORKS = ("UNet", "AttentionUNet", "AttentionUNetSPP", "AttentionUNetASPP")
WIDTHS = (16, 64)
VARIANTS = {
    "torch": "torch as installed",
    "cpu_yaml": "torch with cpu.yaml",
    "onnx": "ONNX Runtime",
    "openvino": "OpenVINO, bfloat16 if the CPU has it",
    "int8": "OpenVINO, int8",
}
PATIENT = {
    "`predict --run`, float32": ["--run", "benchmark", "--trainer.precision", "32-true"],
    "`predict --run`, cpu.yaml": ["--run", "benchmark", "--config", "cpu.yaml"],
    "`predict --model --runtime torch`": ["--model", MODEL, "--runtime", "torch"],
    "`predict --model --runtime onnx`": ["--model", MODEL, "--runtime", "onnx"],
    "`predict --model --runtime openvino`": ["--model", MODEL, "--runtime", "openvino"],
    "`predict --model --quantise int8`": ["--model", MODEL, "--quantise", "int8"],
}
ROUNDS = 2


def measure() -> list[Row]:
    """Each network at both widths, then a patient from file to file."""
    rows = [row for width in WIDTHS for name in NETWORKS for row in _network_rows(name, width)]
    with TemporaryDirectory() as folder:
        return [*rows, *_patient_rows(Path(folder))]


def _network_rows(name: str, width: int) -> list[Row]:
    found = run_worker("benchmarks.workers.exported", name, str(width), environment=ONE_THREAD)
    what = f"{name}, widths {width} to {16 * width}"
    changed = f"{found['changed']:.0f} of {found['pixels']:,.0f}"
    times = [f"{words} {found[f'ms_{key}']:.1f}" for key, words in VARIANTS.items()]
    return [
        Row(
            f"{what}: the graph against torch in float32",
            f"{found['bytes'] / 1e6:.1f} MB, largest difference {found['difference']:.1g}, "
            f"mask pixels changed {changed}",
            f"at most {LARGEST_DIFFERENCE:g} and one in 100,000",
            found["difference"] <= LARGEST_DIFFERENCE
            and found["changed"] <= LARGEST_SHARE * found["pixels"],
            "random weights, 8 images of 240 x 240",
        ),
        Row(
            f"{what}: ms an image",
            "; ".join(times),
            conditions="240 x 240, 1 thread, CPU time; torch keeps freed memory; its batches are "
            "of 4, the others of 1",
        ),
    ]  # fmt: skip


def _patient_rows(folder: Path) -> list[Row]:
    """A patient by each variant: the whole command, and what each further patient takes."""
    worker = [sys.executable, "-m", "benchmarks.workers.exported_model", str(folder)]
    run_process([*worker, "16", "null", "--quantise"], environment=ONE_THREAD)
    patient = next(path for path in phantom(folder, 1, 155).iterdir() if path.is_dir())
    for count in (1, 2):
        link_many([patient], folder / f"patients-{count}", count)
    workloads = [_workload(folder, words, count) for words in PATIENT.values() for count in (1, 2)]
    seconds = [min(found) for found in alternate(*workloads, rounds=ROUNDS, warm_ups=0)]
    return [
        Row(
            f"A patient of 240 x 240 x 155 from file to file, {name}",
            f"cold from the shell {cold:.1f} s, each further patient {both - cold:.1f} s",
            conditions="AttentionUNetASPP, widths 16 to 256, 1 thread, CPU time",
        )
        for name, cold, both in zip(PATIENT, seconds[::2], seconds[1::2], strict=True)
    ]


def _workload(folder: Path, words: list[str], count: int) -> Callable[[], float]:
    """Seconds of CPU time of the command."""
    command = [sys.executable, str(ROOT / "main.py"), "predict", "--overwrite"]
    command += ["--input", str(folder / f"patients-{count}"), "--output", str(folder / "masks")]
    if "--model" in words:
        words = [str(folder / word) if word == MODEL else word for word in words]
    else:
        words = [*words, "--trainer.default_root_dir", str(folder / RUNS)]

    return lambda: cpu_seconds([*command, *words], environment=ONE_THREAD)
