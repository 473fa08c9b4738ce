"""The documents keep what they promise."""

import re
from pathlib import Path

import pytest

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from tests.helpers.paths import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
        if not link.startswith(("http", "#")):
            assert (document.parent / link).exists(), link


def test_the_readme_explains_every_score_of_ours() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    own = [s.name for s in SCORES if s.terms.__module__ == "lightning_app.metrics.count_scores"]
    own += [s.name for s in VOLUME_SCORES if s.compute.__module__.endswith(".volume_scores")]
    assert [name for name in own if f"`{name}`" not in readme] == []


def test_every_config_that_the_readme_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in set(re.findall(r"--config (\w+\.yaml)", readme)):
        assert list((ROOT / "configs").rglob(name)), name
