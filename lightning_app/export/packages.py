"""The packages that an export needs, which are an extra of the project."""

from collections.abc import Sequence
from importlib.util import find_spec

from lightning_app.utils.errors import UsageError

FOR_ONNX = ("onnx", "onnxscript", "onnxruntime")
FOR_SAFETENSORS = ("safetensors",)


def check_installed(packages: Sequence[str]) -> None:
    """Check that packages can be imported.

    Raises:
        UsageError: names those that cannot, and how to install them.
    """
    if missing := [name for name in packages if find_spec(name) is None]:
        raise UsageError(
            f"export needs {', '.join(missing)}, not installed here: "
            "pip install -e '.[export]' -c constraints.txt"
        )
