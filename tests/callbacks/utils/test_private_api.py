import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

pytest.importorskip("wandb")

OPEN = """
import sys
from pathlib import Path
{before}
from callbacks.wandb_logger import ForgivingWandbLogger

logger = ForgivingWandbLogger()
logger.keep_in(Path.cwd(), Path.cwd() / "id")
logger.log_metrics({{"score": 1.0}})
assert logger.experiment.id == Path("id").read_text("utf-8").strip()
{after}
"""
STAGE = """
from wandb.sdk.launch.inputs import internal

applied = []
internal._publish_job_input = lambda staged, run: applied.append(staged)
internal.StagedLaunchInputs().add_staged_input("an input of a launched job")
"""


def test_w_and_b_opens_a_run_without_its_code_for_launched_jobs(tmp_path: Path) -> None:
    _open_run(tmp_path, after="assert 'wandb.sdk.launch' not in sys.modules")


def test_inputs_of_a_launched_job_are_still_applied(tmp_path: Path) -> None:
    _open_run(tmp_path, STAGE, "assert applied == ['an input of a launched job']")


def test_other_runs_of_the_process_are_opened_as_w_and_b_does(tmp_path: Path) -> None:
    own = "from wandb.sdk.wandb_run import Run; own = Run._detect_and_apply_job_inputs"
    _open_run(tmp_path, own, "assert Run._detect_and_apply_job_inputs is own")


def _open_run(folder: Path, before: str = "", after: str = "") -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WANDB_MODE": "offline"}
    program = OPEN.format(before=before, after=after)
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True)
