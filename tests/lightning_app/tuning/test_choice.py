"""What is chosen on made-up cases."""

from collections.abc import Sequence

import numpy as np
import pytest

from lightning_app.metrics.volume.cohorts import COHORTS
from lightning_app.metrics.volume.lesions import lesion_scores
from lightning_app.postprocessing.operations import LargestComponent, Masks, SmallestComponent
from lightning_app.postprocessing.postprocessing import NOTHING, Postprocessing
from lightning_app.tuning.candidates import steps_for
from lightning_app.tuning.choice import Choice, choose
from lightning_app.tuning.objectives import objectives_of
from lightning_app.tuning.tuning_case import THRESHOLDS, TuningCase

UNIT = (1.0, 1.0, 1.0)
SHAPE = (1, 16, 32, 32)
SURE = 0.9


def box(corner: tuple[int, int, int], size: int) -> Masks:
    mask = np.zeros(SHAPE, np.bool_)
    z, y, x = corner
    mask[0, z : z + size, y : y + size, x : x + size] = True
    return mask


def tumour(shift: int) -> Masks:
    return box((4, 4, 4 + shift), 6)


def case(number: int, reference: Masks, *predicted: tuple[Masks, float]) -> TuningCase:
    probabilities = np.zeros(SHAPE, np.float32)
    for mask, probability in predicted:
        probabilities[mask] = probability
    name = f"P{number:02}"
    return TuningCase.of(
        f"{name}-000", name, ("whole",), UNIT, COHORTS["glioma"], probabilities, reference
    )


def chosen(cases: Sequence[TuningCase], own: Sequence[TuningCase] = ()) -> Choice:
    with objectives_of(cases) as objectives, objectives_of(own) as of_own:
        steps = steps_for(("whole",), exclusive=False)
        return choose(steps, objectives, [c.patient for c in cases], of_own if own else None)


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_app.tuning.objectives.cores", lambda: 1)


def speckled(number: int) -> TuningCase:
    """A tumour that is found, and false regions of 8 voxels, of different numbers."""
    specks = [box((12, 4 * place, 26), 2) for place in range(2 + number % 4)]
    return case(
        number, tumour(number % 3), (tumour(number % 3), SURE), *((s, SURE) for s in specks)
    )


def test_many_small_false_regions_are_removed() -> None:
    choice = chosen([speckled(number) for number in range(12)])

    assert choice.postprocessing == Postprocessing(operations=(SmallestComponent(10),))
    assert choice.reason == ""
    assert choice.after == pytest.approx(1)
    assert choice.before is not None
    assert choice.before < 0.7
    assert choice.gain is not None
    assert choice.gain.interval is not None
    assert choice.gain.interval[0] > 0
    assert [step.is_adopted for step in choice.steps] == [False, True, False]


def test_large_false_regions_need_the_largest_component() -> None:
    cases = [
        case(n, tumour(n % 3), (tumour(n % 3), SURE), (box((10, 20, 20), 5), SURE))
        for n in range(12)
    ]
    assert chosen(cases).postprocessing.operations[-1] in {
        SmallestComponent(300),
        LargestComponent(),
    }


def test_patients_with_several_lesions_would_lose_by_the_largest_component() -> None:
    """Every other patient has a second lesion as large as the false region of the others."""
    second = box((10, 20, 20), 5)
    cases = [
        case(
            number,
            tumour(0) | second if number % 2 else tumour(0),
            (tumour(0), SURE),
            (second, SURE),
        )
        for number in range(12)
    ]
    choice = chosen(cases)
    assert choice.postprocessing == NOTHING
    assert choice.reason == "the interval of no gain lies above 0"
    assert choice.after == choice.before
    largest = choice.steps[-1]
    assert largest.name == "largest component"
    assert not largest.is_adopted


def test_a_threshold_that_finds_more_is_chosen() -> None:
    """Half of each tumour has a probability of 0.42; below 0.4 there is noise."""
    cases = []
    for number in range(12):
        whole = tumour(number % 3)
        core, noise = whole & box((4, 4, 4), 4), box((0, 0, 0), 16) & ~whole
        cases.append(case(number, whole, (noise, 0.37), (whole, 0.42), (core, SURE)))
    choice = chosen(cases)
    assert choice.postprocessing.threshold == 0.4
    assert choice.after == 1


def unsure(number: int) -> TuningCase:
    """A tumour that is found with a probability that a high threshold removes."""
    return case(number, tumour(0), (tumour(0), 0.52))


def test_a_step_that_loses_on_the_runs_own_validation_is_not_kept() -> None:
    """The other networks mark 0.6 around the tumour, and are sure of it."""
    around = box((4, 4, 4), 9)
    cases = [case(number, tumour(0), (around, 0.62), (tumour(0), SURE)) for number in range(12)]

    assert chosen(cases).postprocessing.threshold > 0.6
    choice = chosen(cases, [unsure(12), unsure(13)])

    assert choice.postprocessing == NOTHING
    assert choice.reason == "what gains would lose on the run's own validation patients"
    assert choice.steps[0].own == (1, 0)


def test_other_steps_are_kept_though_one_loses_on_the_runs_own_validation() -> None:
    around = box((4, 4, 4), 9)
    speck = box((13, 26, 26), 2)
    cases = [
        case(number, tumour(0), (around, 0.62), (tumour(0), SURE), (speck, SURE))
        for number in range(12)
    ]
    choice = chosen(cases, [unsure(12)])

    assert choice.postprocessing == Postprocessing(operations=(SmallestComponent(10),))
    assert [step.is_adopted for step in choice.steps] == [False, True, False]


@pytest.mark.parametrize("patients", [0, 1, 9])
def test_nothing_is_chosen_on_few_patients(patients: int) -> None:
    choice = (
        chosen([speckled(number) for number in range(patients)])
        if patients
        else choose([], lambda _: [], [])
    )
    assert choice.postprocessing == NOTHING
    assert choice.steps == ()
    assert choice.reason == f"{patients} patients, and an interval needs at least 10"


def test_scans_of_a_patient_are_no_further_patients() -> None:
    cases = [speckled(number) for number in range(12)]
    with objectives_of(cases) as objectives:
        choice = choose(steps_for(("whole",), exclusive=False), objectives, ["P"] * 6 + ["Q"] * 6)
    assert (choice.patients, choice.steps) == (2, ())


def test_the_steps_depend_on_the_classes() -> None:
    def names(classes: tuple[str, ...], *, exclusive: bool) -> list[str]:
        return [step.name for step in steps_for(classes, exclusive=exclusive)]

    components = ["smallest component", "largest component"]
    last = "small enhancing tumour to core"
    assert names(("whole",), exclusive=False) == ["threshold", *components]
    assert names(("core", "enhancing"), exclusive=False) == ["threshold", *components, last]
    assert names(("necrotic", "enhancing"), exclusive=True) == [*components, last]


def test_a_packed_case_has_the_scores_of_its_masks() -> None:
    rng = np.random.default_rng(3)
    probabilities = rng.random((2, 8, 12, 12), np.float32) ** 4
    probabilities[:, 2:6, 3:9, 3:9] = 0.55
    probabilities[0, 3, 4, 4] = np.float32(0.45)
    reference = np.zeros(probabilities.shape, np.bool_)
    reference[:, 2:7, 3:8, 4:9] = True
    cohort, spacing = COHORTS["metastases"], (2.0, 1.0, 1.5)
    packed = TuningCase.of("c", "p", ("whole", "core"), spacing, cohort, probabilities, reference)
    for threshold in THRESHOLDS:
        masks = probabilities > threshold
        scores = []
        for truth, mask in zip(reference, masks, strict=True):
            scores.append(2 * (truth & mask).sum() / (truth.sum() + mask.sum()))
            scores.append(lesion_scores(truth, mask, spacing, cohort).lesion_dice)
        assert packed.objective(Postprocessing(threshold)) == pytest.approx(np.mean(scores))


def test_several_processes_compute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [speckled(number) for number in range(3)]
    candidates = [NOTHING, Postprocessing(0.4, (SmallestComponent(10),))]
    found = []
    for processes in (1, 2):
        monkeypatch.setattr("lightning_app.tuning.objectives.cores", lambda: processes)  # noqa: B023
        with objectives_of(cases) as objectives:
            found.append(np.array(objectives(candidates)))
    alone, together = found
    assert alone.shape == (2, 3)
    np.testing.assert_array_equal(alone, together)
