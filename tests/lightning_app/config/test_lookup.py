"""Configs are found by bare names."""

from pathlib import Path

import pytest

from lightning_app.config.lookup import CONFIGS, find_config


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("aspp_t2f", "aspp_t2f.yaml"),
        ("aspp_v2_t1c", "variants/aspp_v2_t1c.yaml"),
        ("aspp_v2_t1c.yaml", "variants/aspp_v2_t1c.yaml"),
        ("quick", "overlays/quick.yaml"),
    ],
)
def test_a_bare_name_is_found_in_its_folder(name: str, file: str) -> None:
    assert find_config(name) == CONFIGS / file


def test_a_path_wins_over_a_bare_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("aspp_v2_t1c.yaml").touch()

    assert find_config("aspp_v2_t1c.yaml") == Path("aspp_v2_t1c.yaml")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("aspp_v2_t1d", "aspp_v2_t1c.yaml"), ("aspp_t2x", "aspp_t2"), ("quik", "quick.yaml")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"^--config '{name}': no such file; nearest: {nearest}"):
        find_config(name)


def test_no_name_is_in_two_folders() -> None:
    names = [path.name for path in CONFIGS.rglob("*.yaml")]
    assert len(names) == len(set(names))
