"""A callback writes in the trainer's root folder and nowhere else."""

from collections.abc import Callable

import pytest

from callbacks.metrics_csv import MetricsCSV
from callbacks.timing.timing import Timing
from callbacks.training_curves import TrainingPicture


@pytest.mark.parametrize("name", ["", "..", "../scan.nii.gz", "/data/scan.nii.gz", "below/file"])
@pytest.mark.parametrize(
    ("option", "make"),
    [
        ("metrics_csv.filename", MetricsCSV),
        ("timing.filename", lambda name: Timing(filename=name)),
        ("training_picture.filename", lambda name: TrainingPicture(filename=name)),
        ("training_picture.metrics", lambda name: TrainingPicture(metrics=name)),
    ],
)
def test_a_path_is_refused_as_a_file_name(
    option: str, make: Callable[[str], object], name: str
) -> None:
    with pytest.raises(ValueError, match=rf"{option} is '{name}', expected a name, not a path"):
        make(name)
