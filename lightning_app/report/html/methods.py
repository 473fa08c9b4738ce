"""A methods paragraph about the runs of a cohort, from their records alone."""

from collections.abc import Iterable, Iterator, Sequence

from data_modules.utils.words import counted
from lightning_app.metrics.case_masks import VolumeSettings
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.metrics.paired_tests import ALPHA, FEWEST_SEEDS
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.metrics.volume.surface import PENALTY
from lightning_app.report.load.cohorts import Cohort, differing_settings
from lightning_app.report.load.display_names import modality_name, network_name
from lightning_app.report.load.settings import is_off
from lightning_app.report.tables.score_tables import TABLE_1_SCORES
from lightning_app.report.tables.significance import MODALITIES, NETWORKS, QUESTIONS, compare
from lightning_app.report.tables.tested_data import tested
from lightning_app.results.test_record import POSTPROCESSING

_DEFINITIONS = {score.name: score.definition for score in SCORES}
_PURPOSES = {"train": "training", "val": "validation", "test": "test"}
# A phrase around the value of an option, and the option.
_COURSE = (
    ("for at most {} epochs", "trainer.max_epochs"),
    ("in batches of {} slices", "data.batch_size"),
    ("on images cropped or padded to {} pixels (height, width)", "data.image_size"),
)
_RECIPE = (
    ("loss {}", "model.loss.class_path"),
    ("optimizer {}", "optimizer.class_path"),
    ("learning rate {}", "optimizer.init_args.lr"),
    ("schedule {}", "lr_scheduler.class_path"),
    ("precision {}", "trainer.precision"),
    ("{} augmentation", "data.augmentation"),
    ("further augmentations {}", "data.augmentations"),
    ("window around the brain {}", "data.window"),
)
_NAMED = (POSTPROCESSING, *(option for _, option in (*_COURSE, *_RECIPE)))
_POSTPROCESSING = "Post-processing of the masks: {}."
_INTERVALS = (
    "Intervals are 95 % intervals over patients, from the standard error of the jackknife and "
    "quantiles of Student's t, on the logit scale for scores with two bounds. Their ends allow for "
    "half a patient with the worst and half a patient with the best possible value in means over "
    f"slices or cases (HD95: {PENALTY:g} and 0 mm), and for the most extreme patient once more in "
    "pooled scores and in amounts without a bound."
)
_NO_INTERVALS = f"No intervals are given: they need at least {FEWEST_PATIENTS} patients."
_TESTS = (
    "{} were compared in pairs on the same patients with Wilcoxon's signed-rank test "
    "(two-sided), by their Dice on cases with the class in the ground truth and by the share of "
    "slices without it that they predict empty, with Holm's correction over all tests of a "
    f"question. A difference is called shown if the corrected p is below {ALPHA} and the 95 % "
    "interval of the difference excludes 0, both in favour of the same one."
)
_FOLDS = (
    "The patients were dealt to {} folds: for each fold a network was tested on it, its epoch was "
    "chosen on the next fold, and it was trained on the others (fingerprint {}). Scores are out of "
    "fold, over all patients."
)
_SEEDS_TEST = (
    f"If both have at least {FEWEST_SEEDS} seeds, p is the larger one of this test and of a t test "
    "over patients and seeds."
)
_VOLUMES = (
    "Scores of volumes are means over cases; NSD has a tolerance of "
    f"{VolumeSettings().tolerance:g} mm."
)
_LESIONS = f"Lesions are those of BraTS {YEAR}."


def methods(cohort: Cohort) -> str:
    """Sentences on data, networks, training, scores, intervals and tests.

    An option in which the runs differ has all its values; what no run recorded is left out.
    """
    return " ".join([
        *_data(cohort), *_networks(cohort), *_training(cohort),
        *_scores(cohort), *_tests(cohort), *_software(cohort),
    ])  # fmt: skip


def _data(cohort: Cohort) -> Iterator[str]:
    run, data = cohort.runs[0], cohort.data
    if data.kind == "phantom":
        yield "All images are of a synthetic phantom, not of patients."
    names = _listed([modality_name(modality) for modality in cohort.modalities], "and")
    classes = f", with the classes {_listed(cohort.classes, 'and')}" if cohort.classes[1:] else ""
    yield f"The images are {names}; the target is {data.target}{classes}."
    splits = [
        f"{counted(number, 'case')} for {_PURPOSES.get(split, split)}"
        for split, number in run.cases_per_split.items()
    ]
    if cohort.folds:
        yield _FOLDS.format(cohort.folds, data.split)
    else:
        yield f"The split has {_listed(splits, 'and')} (fingerprint {data.split})."
    slices = _values(other.data.slices for other in cohort.runs)
    yield f"Trained slices: {slices}; tested slices: {data.eval_slices}, {tested(cohort)}."
    if not any(other.test.patients_trained_on for other in cohort.runs):
        network = "the network that it was tested with" if cohort.folds else "a network"
        yield f"No tested patient was used to train {network} or to choose its epoch."


def _networks(cohort: Cohort) -> Iterator[str]:
    sizes: dict[str, dict[str, None]] = {}
    for run in [run for run in cohort.runs if not run.is_ensemble] or cohort.runs:
        sizes.setdefault(network_name(run.network), {})[f"{run.size.parameters:,}"] = None
    named = [f"{name} ({_listed(list(numbers))} parameters)" for name, numbers in sizes.items()]
    yield f"{'Networks' if len(named) > 1 else 'Network'}: {_listed(named, 'and')}."
    if any(run.is_ensemble for run in cohort.runs):
        yield "An ensemble predicts the mean probability of its networks."
    if any(run.test.members.is_mirrored for run in cohort.runs):
        yield "A mirrored prediction is the mean over an image and its three mirror images."


def _training(cohort: Cohort) -> Iterator[str]:
    course = " ".join(_phrases(cohort, _COURSE))
    if course:
        yield f"Networks were trained {course}."
    recipe = _phrases(cohort, _RECIPE)
    recipe += ["random left-right flips"] if _option(cohort, "data.flip") == "True" else []
    recipe.append(f"seed {_values(sorted(run.seed for run in cohort.runs))}")
    yield f"Training: {', '.join(recipe)}."
    differing = differing_settings(cohort.runs).items()
    others = [f"{name} ({_listed(found)})" for name, found in differing if name not in _NAMED]
    if others:
        yield f"Trainings also differ in {_listed(others, 'and')}."
    score = _option(cohort, "best_checkpoint.monitor")
    extreme = {"max": "highest", "min": "lowest"}.get(_option(cohort, "best_checkpoint.mode"))
    if score and extreme:
        yield f"The weights of the epoch with the {extreme} {score} were tested."
    done = [run.test.postprocessing for run in cohort.trainings]
    if any(done):
        yield _POSTPROCESSING.format(_values(what.in_words if what else "none" for what in done))
    if computed_with := _values(run.test.computed_with for run in cohort.trainings):
        yield f"Tests were computed with {computed_with}."


def _scores(cohort: Cohort) -> Iterator[str]:
    defined = [f"{title} ({_DEFINITIONS[name]})" for _, title, name in TABLE_1_SCORES]
    yield f"Scores: {'; '.join(defined)}."
    if any(run.volume_table for run in cohort.runs):
        yield _VOLUMES
    lesions = [run.volumes[name].get("lesion_dice") for run in cohort.runs for name in run.volumes]
    if any(result and result.value is not None for result in lesions):
        yield _LESIONS
    patients = len(set(cohort.runs[0].table.patients))
    yield _INTERVALS if patients >= FEWEST_PATIENTS else _NO_INTERVALS


def _tests(cohort: Cohort) -> Iterator[str]:
    compared = [
        found
        for contrast in (NETWORKS, MODALITIES)
        for question in QUESTIONS
        for found in compare(cohort, question, contrast)
    ]
    tested = dict.fromkeys(found.contrast for found in compared if found.holm_p is not None)
    if tested:
        subject = " and ".join(contrast.plural for contrast in tested)
        yield _TESTS.format(subject.capitalize())
    if any(found.difference and found.difference.seeds_p is not None for found in compared):
        yield _SEEDS_TEST


def _software(cohort: Cohort) -> Iterator[str]:
    environments = [run.environment for run in cohort.trainings]
    versions = [
        (name, _values(environment.packages.get(name, "") for environment in environments))
        for name in ("brats-lightning", "torch", "lightning")
    ]
    versions.append(("Python", _values(environment.python for environment in environments)))
    versions.append(("commit", _values(environment.commit[:8] for environment in environments)))
    named = [f"{name} {version}" for name, version in versions if version]
    if named:
        yield f"Software: {', '.join(named)}."
    if devices := _values(environment.device for environment in environments):
        yield f"Trained on: {devices}."


def _phrases(cohort: Cohort, options: Sequence[tuple[str, str]]) -> list[str]:
    return [phrase.format(value) for phrase, name in options if (value := _option(cohort, name))]


def _option(cohort: Cohort, option: str) -> str:
    """The values of an option, classes without their modules; empty if it is off or not known.

    If it is off in some runs only, their value is "no".
    """
    known = [run.options[option] for run in cohort.runs if run.options.get(option)]
    is_class = option.endswith(".class_path")
    words = [
        "no"
        if is_off(value) or value == "none"
        else value.rpartition(".")[2]
        if is_class
        else value
        for value in known
    ]
    return "" if set(words) == {"no"} else _values(sorted(words, key=lambda word: word != "no"))


def _values(values: Iterable[object]) -> str:
    """Different values, without those that are empty."""
    return _listed(list(dict.fromkeys(str(value) for value in values if value not in ("", None))))


def _listed(names: Sequence[str], last: str = "or") -> str:
    *others, end = names or ("",)
    return f"{', '.join(others)} {last} {end}" if others else end
