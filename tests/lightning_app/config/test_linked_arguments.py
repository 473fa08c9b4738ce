"""An option that follows from another is refused in every form in which it can be given."""

from pathlib import Path

import pytest
import yaml

from tests.conftest import Program

FORMS = {
    "a flag": ["--data.seed", "3"],
    "a flag with =": ["--data.seed=3"],
    "a mapping": ["--data", "{seed: 3}"],
    "a mapping with =": ['--data={"seed": 3}'],
    "a file for a group": ["--data", "data.yaml"],
    "a file for a group with =": ["--data=data.yaml"],
    "a config": ["--config", "seed.yaml"],
    "a config with =": ["--config=seed.yaml"],
    "a short config": ["-c", "seed.yaml"],
    "a short config with =": ["-c=seed.yaml"],
    "a short config in one word": ["-cseed.yaml"],
    "a dotted key": ["--config", "dotted.yaml"],
    "a file in a config": ["--config", "sub/group.yaml"],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_linked_option_is_refused_in_every_form(
    form: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sub").mkdir()
    Path("data.yaml").write_text("seed: 3", "utf-8")
    Path("seed.yaml").write_text("data: {seed: 3}", "utf-8")
    Path("dotted.yaml").write_text("data.seed: 3", "utf-8")
    Path("sub/group.yaml").write_text("data: inner.yaml", "utf-8")
    Path("sub/inner.yaml").write_text("seed: 3", "utf-8")
    try:
        code: object = program("fit", *FORMS[form])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert capsys.readouterr().err == (
        'error: Linked "data.seed" must be given via "seed_everything".\n'
    )


@pytest.mark.parametrize("channels", [1, 4])  # 1 is the default of the class
def test_the_channels_of_a_network_in_a_file_are_refused(
    channels: int, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    network = {"class_path": "models.UNet", "init_args": {"in_channels": channels}}
    Path("net.yaml").write_text(yaml.safe_dump(network), "utf-8")
    assert program("fit", "--model.network", "net.yaml") == 2
    assert "in_channels" in (error := capsys.readouterr().err)
    assert 'via "data.modalities"' in error
