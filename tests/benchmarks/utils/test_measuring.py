import subprocess
import sys
from time import process_time

import pytest

from benchmarks.utils.measuring import cpu_seconds, run_process
from benchmarks.utils.revision import earlier_program
from tests.helpers.paths import ROOT

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
WAITS_FOR_BUSY = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
LEAVES_BUSY = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BUSY!r}])"


@pytest.mark.parametrize("program", [BUSY, WAITS_FOR_BUSY, LEAVES_BUSY])
def test_cpu_time_is_that_of_a_command_and_of_its_children(program: str) -> None:
    own = process_time()

    seconds = cpu_seconds([sys.executable, "-c", program])

    assert 0.3 <= seconds < 3
    assert process_time() - own < 0.3


def test_a_command_that_sleeps_takes_no_cpu_time() -> None:
    assert cpu_seconds([sys.executable, "-S", "-c", "import time; time.sleep(0.5)"]) < 0.4


def test_a_failure_is_an_error_unless_its_code_is_expected() -> None:
    command = [sys.executable, "-c", "raise SystemExit('what went wrong')"]

    with pytest.raises(RuntimeError, match="what went wrong"):
        run_process(command)

    assert run_process(command, codes=(0, 1)) == ""


def test_an_earlier_program_is_checked_out_for_a_while() -> None:
    git = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    if not head:
        pytest.skip("no git repository")

    with earlier_program(head) as folder:
        assert (folder / "main.py").is_file()

    assert not folder.exists()
    with pytest.raises(RuntimeError, match="no-such-commit"), earlier_program("no-such-commit"):
        pass
