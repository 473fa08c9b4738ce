from collections.abc import Callable

import pytest

from callbacks.metrics_csv import MetricsCSV
from callbacks.timing.timing import Timing
from callbacks.training_curves import TrainingPicture
from callbacks.utils.file_names import check_file_name
from callbacks.wandb_logger import ForgivingWandbLogger

OPTIONS: dict[str, Callable[[str], object]] = {
    "metrics_csv.filename": lambda name: MetricsCSV(filename=name),
    "timing.filename": lambda name: Timing(filename=name),
    "training_picture.filename": lambda name: TrainingPicture(filename=name),
    "training_picture.metrics": lambda name: TrainingPicture(metrics=name),
    "trainer.logger.project": lambda name: ForgivingWandbLogger(project=name),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_names_a_file_takes_no_path(option: str) -> None:
    OPTIONS[option]("name")
    with pytest.raises(ValueError, match=rf"{option} is '\.\./other', expected a file name"):
        OPTIONS[option]("../other")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/x", "x/", "x/y", "..\\x", "C:x", "C:\\x", "x\0y", "./x"]
)
def test_paths_are_no_names(name: str) -> None:
    with pytest.raises(ValueError, match="expected a file name, not a path"):
        check_file_name("option", name)


@pytest.mark.parametrize("name", ["metrics.csv", ".hidden", "a b", "..x"])
def test_names(name: str) -> None:
    assert check_file_name("option", name) == name
