import subprocess
import sys

from tests.helpers.paths import MAIN, ROOT


def test_a_command_is_that_of_main() -> None:
    script = "from lightning_app.commands.grid.child_command import execute\n"
    script += "print(execute('fitt'), flush=True); print(execute('runs', '--help'))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stderr == "error: 'fitt' is not a command; nearest: fit\n"
    code, *page, last = done.stdout.splitlines()
    assert (code, last) == ("2", "0")
    command = [sys.executable, str(MAIN), "runs", "--help"]
    assert page == subprocess.check_output(command, text=True).splitlines()
