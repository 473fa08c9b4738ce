"""The examples for Python run."""

import re
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import Program
from tests.helpers.paths import ROOT

NOTEBOOK = ROOT / "docs" / "python.ipynb"


def stored_notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def test_the_examples_of_the_page_run(
    program: Program, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.slices", "all", experiment="unet_t2f.yaml") == 0
    assert program("test") == 0
    capsys.readouterr()
    Path("data").symlink_to(toy_root)
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice
        for example in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
            exec(example, names)  # noqa: S102

    out = capsys.readouterr().out
    assert "(4, 40, 40) {1: 'whole tumour'}" in out
    assert re.search(r"^UNet  0\.\d+ None None$", out, re.MULTILINE)
    assert names["labels"].shape == (4, 40, 40)


@pytest.mark.filterwarnings("ignore")  # of the Jupyter packages, in this process
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = stored_notebook()
    resources = {"metadata": {"path": str(tmp_path)}}

    NotebookClient(notebook, timeout=300, resources=resources).execute()


def test_the_notebook_is_stored_with_its_results_and_without_paths_of_a_machine() -> None:
    cells = stored_notebook().cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "image/png" in {kind for output in outputs for kind in output.get("data", {})}
    assert not [
        text for text in map(str, outputs) if re.search(r"/(home|root|work|tmp|usr)/", text)
    ]
