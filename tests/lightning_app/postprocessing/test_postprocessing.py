"""A post-processing in words and as JSON."""

import json
import re
from typing import Any

import pytest

from lightning_app.postprocessing.operations import (
    LargestComponent,
    SmallEnhancingToCore,
    SmallestComponent,
)
from lightning_app.postprocessing.postprocessing import NOTHING, Postprocessing

ALL = Postprocessing(0.4, (SmallestComponent(30), LargestComponent(), SmallEnhancingToCore(200)))


def test_it_reads_what_it_writes() -> None:
    for postprocessing in (NOTHING, ALL):
        content = json.loads(json.dumps(postprocessing.to_json()))
        assert Postprocessing.from_json({**content, "further": "keys"}) == postprocessing
    assert (NOTHING.is_nothing, ALL.is_nothing) == (True, False)


def test_it_says_what_it_does() -> None:
    assert NOTHING.in_words == "none"
    assert ALL.in_words == (
        "threshold 0.4, components from 30 mm^3, the largest component, "
        "enhancing tumour from 200 mm^3"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "threshold is None, expected a number between 0 and 1"),
        ({"threshold": 1, "operations": []}, "threshold is 1, expected a number between 0 and 1"),
        ({"threshold": True, "operations": []}, "threshold is True"),
        ({"threshold": float("nan"), "operations": []}, "threshold is nan"),
        ({"threshold": "0.5", "operations": []}, "threshold is '0.5'"),
        ({"threshold": 0.5}, "operations is None, expected a list"),
        ({"threshold": 0.5, "operations": ["x"]}, "an operation is 'x', expected one of smallest"),
        ({"threshold": 0.5, "operations": [{}]}, "an operation is None, expected one of smallest"),
        ({"threshold": 0.5, "operations": [{"name": ["x"]}]}, "an operation is ['x']"),
        (
            {"threshold": 0.5, "operations": [{"name": "smallest_component"}]},
            "smallest_component has [], expected mm3",
        ),
        (
            {"threshold": 0.5, "operations": [{"name": "largest_component", "mm3": 3}]},
            "largest_component has ['mm3'], expected nothing",
        ),
        (
            {"threshold": 0.5, "operations": [{"name": "smallest_component", "mm3": -1}]},
            "mm3 of smallest_component is -1, expected a number above 0",
        ),
    ],
)
def test_what_is_damaged_is_named(content: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)) as error:
        Postprocessing.from_json(content)
    assert "\n" not in str(error.value)


def test_it_must_fit_the_classes() -> None:
    assert ALL.why_unfit(("whole", "core", "enhancing"), exclusive=False) is None
    assert "exclude" in str(ALL.why_unfit(("necrotic", "enhancing"), exclusive=True))
    assert "needs the class" in str(ALL.why_unfit(("whole",), exclusive=False))
