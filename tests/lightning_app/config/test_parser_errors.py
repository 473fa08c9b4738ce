"""An error about an option of a class names the class: a list may hold several."""

import numpy as np
import pytest
from torch import Tensor, nn

from data_modules.augmentation.transform import Transform
from lightning_app.config.parser import ExperimentParser


class Contrast(Transform):
    def __init__(self, spread: float = 0.1, rate: float = 0.5) -> None:
        super().__init__()
        self.spread = spread
        self.rate = rate

    def draw(self, rng: np.random.Generator) -> float:
        return rng.uniform(1 - self.spread, 1 + self.spread)

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return image * parameters[:, None, None, None], labels


class Noise(Contrast):
    pass


class Wrapped(nn.Module):
    def __init__(self, inner: Contrast) -> None:
        super().__init__()
        self.inner = inner


CONTRAST, NOISE = (f"{made.__module__}.{made.__qualname__}" for made in (Contrast, Noise))


def error_of(value: object, kind: object, capsys: pytest.CaptureFixture[str]) -> str:
    parser = ExperimentParser()
    parser.add_argument("--chosen", type=kind)
    with pytest.raises(SystemExit) as end:
        parser.parse_object({"chosen": value})
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spred": 1.0}, f"chosen.spred: unknown option; nearest: spread (class {NOISE})"),
        ({"width": 1.0}, f"chosen.width: unknown option; valid: spread, rate (class {NOISE})"),
        ({"spread": "wide"}, f"chosen.spread is 'wide', expected a number (class {NOISE})"),
    ],
)
def test_the_class_with_the_option_is_named_among_several(
    options: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    several = [
        {"class_path": CONTRAST, "init_args": {"spread": 0.2}},
        {"class_path": NOISE, "init_args": options},
    ]
    assert error_of(several, list[Transform], capsys) == f"error: {message}\n"


def test_the_inner_of_two_classes_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    inner = {"class_path": NOISE, "init_args": {"spred": 1.0}}
    outer = {"class_path": f"{__name__}.Wrapped", "init_args": {"inner": inner}}
    assert error_of(outer, nn.Module, capsys) == (
        f"error: chosen.inner.spred: unknown option; nearest: spread (class {NOISE})\n"
    )
