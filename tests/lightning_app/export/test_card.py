"""The model card says what a stranger must know, and nothing in it comes alive."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lightning_app.ensembles.predictor import Predictor
from lightning_app.export.card import model_card
from lightning_app.export.folder import ExportFolder
from lightning_app.export.record import TrainingRecord
from lightning_app.runs.folder import ResultFolder, Run
from tests.lightning_app.export.test_record import RECORD


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return Predictor((Run(tmp_path / "run"),), True, ResultFolder(tmp_path / "run"))


def test_what_it_says(predictor: Predictor, tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path)
    folder.onnx.touch()
    card = model_card(RECORD, predictor, folder)
    _, head, text = card.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "mit"
    assert "\n# UNet and Y on T1c and FLAIR\n" in text
    assert "must not be used for diagnosis" in text
    assert "| images | t1c, t2f, in this order" in text
    assert (
        "240 x 200 pixels, cropped or padded about the centre; of these a window of 176 x" in text
    )
    assert "threshold 0.4, components from 20 mm^3, the largest component" in text
    assert "glioma (brats2023); 12 patients in training and validation; slices 70, 80." in text
    assert "of 2 networks on an image and its three mirror images." in text
    assert "`hf upload YOUR_NAME/YOUR_MODEL .`" in text
    assert "python example.py t1c=FILE t2f=FILE --output" in text
    assert "| `model.onnx` |" in text
    assert "| `model.safetensors` |" not in text
    assert "It was not tested." in text
    assert "synthetic" not in text
    assert "\n\n\n" not in text


def test_synthetic_patients_and_a_missing_licence_stand_out(
    predictor: Predictor, tmp_path: Path
) -> None:
    data = replace(RECORD.training_data, kind="phantom")
    card = model_card(
        replace(RECORD, training_data=data, licence=None), predictor, ExportFolder(tmp_path)
    )
    assert "**Trained on synthetic patients: its masks of real patients mean nothing.**" in card
    assert "**No licence yet.**" in card
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "unknown"
    assert "example.py" not in card.partition("| file |")[0].partition("normalisation")[0]


def test_names_of_strangers_stay_text(predictor: Predictor, tmp_path: Path) -> None:
    data = TrainingRecord("<b>a|b\n# c", "files", [], "all", 1, {})
    card = model_card(replace(RECORD, training_data=data), predictor, ExportFolder(tmp_path))
    assert "Data: &lt;b&gt;a\\|b # c; 1 patient in training and validation; slices all." in card
