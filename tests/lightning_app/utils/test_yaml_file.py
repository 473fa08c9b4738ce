"""YAML from strangers is read within bounds, and anything wrong with it is a ValueError."""

from pathlib import Path

import pytest
import yaml

from lightning_app.config.lookup import CONFIGS
from lightning_app.utils.yaml_file import MOST_LEVELS, read_yaml
from tests.helpers.runs.damaged_records import yaml_bomb

MERGED = "\n".join(
    ["a0: &a0 {k: 1}", *(f"a{i}: &a{i} {{<<: [{f'*a{i - 1}, ' * 10}]}}" for i in range(1, 11))]
)
CHAIN = "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, MOST_LEVELS))])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (yaml_bomb(), "more than 100000 values once its aliases are expanded"),
        (MERGED, "more than 100000 values once its aliases are expanded"),
        (CHAIN, "nested more than 50 levels deep"),
        ("[" * 20_000, "nested more than 50 levels deep"),
        ("a: &a [*a]", "nested more than 50 levels deep"),
        ("a: [", "not valid YAML: while parsing a flow node"),
        ("a: \0", "not valid YAML: unacceptable character"),
        ("!!python/object/apply:os.system [ls]", "not valid YAML: could not determine"),
        ("a: !!bool x", "is not valid YAML"),
        ("a: !!timestamp x", "is not valid YAML"),
        ("a: 2026-13-45", "month must be in 1..12"),
    ],
)
def test_what_cannot_be_read_is_a_value_error_in_one_line(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=words) as caught:
        read_yaml(path)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("text", ["", "a: &a {b: [1, 2]}\nc: {<<: *a, d: *a}", "- 1\n- .inf"])
def test_other_documents_are_read_as_by_pyyaml(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    assert read_yaml(path) == yaml.safe_load(text)


def test_our_configs_are_within_the_bounds() -> None:
    paths = list(CONFIGS.rglob("*.yaml"))
    assert CONFIGS / "base.yaml" in paths
    for path in paths:
        assert read_yaml(path) == yaml.safe_load(path.read_text("utf-8"))
