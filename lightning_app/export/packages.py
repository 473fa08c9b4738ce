"""The packages that exported models need, which are extras of the project."""

from collections.abc import Sequence
from importlib.util import find_spec

from lightning_app.utils.errors import UsageError

FOR_ONNX = ("onnx", "onnxscript", "onnxruntime")
FOR_SAFETENSORS = ("safetensors",)
FOR_INT8 = ("openvino", "nncf")
EXPORT, OPENVINO = "export", "openvino"  # the extras


def check_installed(what: str, packages: Sequence[str], extra: str = EXPORT) -> None:
    """Check that packages can be imported.

    Args:
        what: needs them.
        packages: their names.
        extra: that has them.

    Raises:
        UsageError: names those that cannot, and how to install them.
    """
    if missing := [name for name in packages if find_spec(name) is None]:
        raise UsageError(
            f"{what} needs {', '.join(missing)}, not installed here: "
            f"pip install -e '.[{extra}]' -c constraints.txt"
        )
