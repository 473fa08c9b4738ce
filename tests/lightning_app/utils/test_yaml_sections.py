"""Configs that are read by sections have the content of those that are read as a whole."""

from pathlib import Path

import pytest
import yaml

from lightning_app.config.lookup import CONFIGS
from lightning_app.utils.yaml_file import read_yaml_sections
from tests.helpers.runs.damaged_records import yaml_bomb

DOCUMENTS = [
    "a: 1\nb: [1, 2]\nc:\n  d: x\n  e:\n  - 1\nf:\n- 2",
    "a: {b: 1}",
    "{a: 1, b: 2}",
    "- 1\n- 2",
    "",
    "# words\na: 1\n# more\nb: 2\n",
    "a: 'x\n\nb: y'\nc: 1",  # a text that looks like a section
    "a: |\n  x\n  b: 1\nb: 2",
    "a: &x [1]\nb: *x",
    "a: 1\na: 2",
    "a: 1\n---\n",
    "a: 2026-01-02\nb: 1.0e-3",
    "x y: 1\nb: 2",
    "just\nwords",
    "'a': 1\nb: 2",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_sections_have_the_content_of_the_whole(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    try:
        expected = yaml.safe_load(text)
    except yaml.YAMLError:
        with pytest.raises(ValueError, match="is not valid YAML"):
            read_yaml_sections(path)
    else:
        assert read_yaml_sections(path) == expected


def test_our_configs_are_read_as_by_pyyaml() -> None:
    for path in CONFIGS.rglob("*.yaml"):
        assert read_yaml_sections(path) == yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize("text", [yaml_bomb(), "a: 1\nb: " + "[" * 20_000, "a: 1\nb: ["])
def test_what_cannot_be_read_is_a_value_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"YAML|levels deep|values once"):
        read_yaml_sections(path)


def test_a_change_of_what_was_read_does_not_show_when_it_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: {b: [1]}\nc: 2\n", "utf-8")
    read_yaml_sections(path)["a"]["b"].append(2)
    assert read_yaml_sections(path) == {"a": {"b": [1]}, "c": 2}
