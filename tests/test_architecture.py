"""The import rules: a package imports only from packages on layers below its own."""

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.paths import ROOT

PACKAGES = ("models", "data_modules", "callbacks", "lightning_app")

# The longest name that a module begins with decides its layer. docs/architecture.md explains them.
LAYERS = {
    "models": 0,
    "callbacks.utils": 0, "callbacks.timing": 1, "callbacks": 2,
    "data_modules.utils": 0, "data_modules.io": 1, "data_modules.catalog": 2,
    "data_modules.cache": 3, "data_modules.phantom.anatomy": 4, "data_modules.phantom": 5,
    "data_modules": 6,
    "lightning_app.utils": 8, "lightning_app.help": 8,
    "lightning_app.metrics": 9, "lightning_app.losses": 9, "lightning_app.schedules": 9,
    "lightning_app.postprocessing": 10, "lightning_app.scoring": 11,
    "lightning_app.task": 12, "lightning_app.config": 12,
    "lightning_app.runs": 13,
    "lightning_app.ensembles": 14,
    "lightning_app.results": 15,
    "lightning_app.report.load": 16, "lightning_app.report.tables": 17,
    "lightning_app.report.figures": 18, "lightning_app.report.html": 19,
    "lightning_app.report": 20,
    "lightning_app.listing": 21, "lightning_app.cleaning": 21, "lightning_app.tuning": 21,
    "lightning_app.export.folder": 9, "lightning_app.export": 22,
    "lightning_app.evaluation.inputs": 22, "lightning_app.evaluation": 23,
    "lightning_app.commands.shared": 24, "lightning_app.commands": 25,
    "lightning_app.api": 26,
    "lightning_app.cli": 26,
    "lightning_app": 27,
}  # fmt: skip

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def layer_name(module: str) -> str:
    names = [name for name in LAYERS if module == name or module.startswith(f"{name}.")]
    return max(names, key=len, default="")


def imported(module: str) -> Iterator[str]:
    """The modules of ours that a module imports, inside its functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import hides its package"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            target = name if name in MODULES else name.rpartition(".")[0]
            if target in MODULES and target != module:
                yield target


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_lower_layers(module: str) -> None:
    own = layer_name(module)
    if not own:
        assert not list(imported(module)), f"{module} is on no layer"
        return
    upward = [
        target
        for target in imported(module)
        if layer_name(target) != own and LAYERS[layer_name(target)] >= LAYERS[own]
    ]
    assert not upward, f"{module} (layer {LAYERS[own]}) imports {upward}"


def outside(module: str) -> set[str]:
    return {name.split(".")[0] for name in imported(module)} - {module.split(".", maxsplit=1)[0]}


@pytest.mark.parametrize("package", ["models", "data_modules", "callbacks"])
def test_the_three_lower_packages_import_nothing_of_each_other(package: str) -> None:
    modules = [module for module in MODULES if module.split(".")[0] == package]
    assert package in modules
    assert {module: outside(module) for module in modules if outside(module)} == {}


def test_there_is_no_import_cycle() -> None:
    """Between modules, not only between packages."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for target in imported(module):
                visit(target, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_no_folder_holds_more_than_14_modules() -> None:
    for folder in {path.parent for path in MODULES.values()}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 14, folder


def test_the_task_names_no_network() -> None:
    assert not any(name.split(".")[0] == "models" for name in imported("lightning_app.task"))
    assert "UNet" not in MODULES["lightning_app.task"].read_text("utf-8")


@pytest.mark.parametrize(
    "module",
    [
        "lightning_app.cli",
        "lightning_app.commands.clean",
        "lightning_app.commands.evaluate",
        "lightning_app.commands.exported.predict",
        "lightning_app.commands.runs",
        "lightning_app.export.record",
        "lightning_app.metrics.volume.lesions",
        "lightning_app.report.write",
    ],
)
def test_what_needs_no_torch_does_not_import_it(module: str) -> None:
    script = (
        f"import sys, {module}; print({{'torch', 'lightning', 'jsonargparse'}} & {{*sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
