"""Properties that hold for any input. The examples are always the same, so no test is flaky."""

from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from data_modules.catalog.cases import find_cases
from data_modules.catalog.splits import SPLITS, split_patients
from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.volumes import read_volume
from data_modules.io.writers import write_label_map
from data_modules.utils.errors import DataError
from lightning_app.cli import main
from lightning_app.metrics.confusion_counts import SliceCounts
from lightning_app.runs.folder import find_runs
from tests.conftest import Program

settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
settings.load_profile("deterministic")

# Splits ------------------------------------------------------------------------------------------

patients = st.lists(st.integers(1, 3), min_size=3, max_size=40)  # scans of each patient


def cases_of(scans: list[int]) -> dict[str, str]:
    return {f"p{p:02d}-{s}": f"p{p:02d}" for p, number in enumerate(scans) for s in range(number)}


@given(patients, st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_split_separates_patients_and_does_not_depend_on_the_order_of_the_cases(
    scans: list[int], seed: int, shuffler: Random
) -> None:
    patient_of = cases_of(scans)
    split = split_patients(patient_of, None, seed)
    cases = [case for name in SPLITS for case in split[name]]
    assert sorted(cases) == sorted(patient_of)
    patients_of_splits = [{patient_of[case] for case in split[name]} for name in SPLITS]
    assert all(patients_of_splits)
    assert sum(map(len, patients_of_splits)) == len(set().union(*patients_of_splits))
    shuffled = list(patient_of.items())
    shuffler.shuffle(shuffled)
    assert split_patients(dict(shuffled), None, seed) == split


@given(patients, st.tuples(*[st.integers(1, 30)] * 3), st.integers(0, 99))
@settings(max_examples=60)
def test_three_counts_are_met_exactly_or_refused(
    scans: list[int], sizes: tuple[int, int, int], seed: int
) -> None:
    patient_of = cases_of(scans)
    try:
        split = split_patients(patient_of, sizes, seed)
    except DataError:
        # With one scan per patient any three counts are possible that are not too many in all.
        assume(max(scans) > 1 or sum(sizes) > len(patient_of))
        return
    assert tuple(len(split[name]) for name in SPLITS) == sizes


# Counts ------------------------------------------------------------------------------------------

masks = arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 3), *[st.integers(1, 6)] * 2))


@given(masks, st.data())
@settings(max_examples=60)
def test_the_counts_equal_those_of_scikit_learn(
    prediction: NDArray[np.bool_], data: st.DataObject
) -> None:
    reference = data.draw(arrays(bool, prediction.shape))
    counts = SliceCounts()
    samples = torch.arange(len(prediction))
    counts.update(torch.from_numpy(prediction), torch.from_numpy(reference), samples)
    table = counts.compute()[:, 1:].reshape(*prediction.shape[:2], 4)
    for n, c in product(*map(range, prediction.shape[:2])):
        expected = confusion_matrix(
            reference[n, c].ravel(), prediction[n, c].ravel(), labels=[False, True]
        )
        (tn, fp), (fn, tp) = expected.tolist()
        assert table[n, c].tolist() == [tp, fp, fn, tn]


# Cropping, padding, orientation ------------------------------------------------------------------

lengths = st.integers(1, 20)


@given(
    arrays(np.int16, st.tuples(st.integers(1, 2), lengths, lengths)), st.tuples(lengths, lengths)
)
@settings(max_examples=80)
def test_the_inverse_of_crop_or_pad_restores_what_was_not_cropped(
    slices: NDArray[np.int16], size: tuple[int, int]
) -> None:
    resized = crop_or_pad(slices, size)
    assert resized.shape == (len(slices), *size)
    restored = crop_or_pad(resized, slices.shape[-2:])
    kept = crop_or_pad(crop_or_pad(np.ones_like(slices), size), slices.shape[-2:]) > 0
    np.testing.assert_array_equal(restored[kept], slices[kept])
    assert not restored[~kept].any()
    expected = [min(old, new) for old, new in zip(slices.shape[-2:], size, strict=True)]
    assert kept.sum() == len(slices) * np.prod(expected)


# All 48 orientations: one letter from each pair, in any order.
orientations = st.permutations(["LR", "PA", "SI"]).flatmap(
    lambda axes: st.tuples(*map(st.sampled_from, axes)).map("".join)
)


@given(
    orientations,
    arrays(np.uint8, st.tuples(*[st.integers(2, 5)] * 3), elements=st.integers(0, 3)),
    st.tuples(*[st.sampled_from([0.5, 1.0, 2.25])] * 3),
)
@settings(max_examples=25)
def test_a_label_map_is_written_in_the_orientation_of_its_image(
    orientation: str, labels: NDArray[np.uint8], spacing: tuple[float, ...]
) -> None:
    axial = sitk.GetImageFromArray(labels)
    axial.SetSpacing(spacing)
    reoriented = sitk.DICOMOrient(axial, orientation)
    with TemporaryDirectory() as folder:
        source, written = Path(folder, "in.nii"), Path(folder, "out.nii.gz")
        sitk.WriteImage(reoriented, str(source))
        np.testing.assert_array_equal(read_volume(source)[0], labels)
        write_label_map(written, labels, like=source)
        result = sitk.ReadImage(str(written))
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(result), sitk.GetArrayFromImage(reoriented)
    )
    np.testing.assert_allclose(result.GetDirection(), reoriented.GetDirection(), atol=1e-6)


# Discovery ---------------------------------------------------------------------------------------

trees = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a", "b", "grade", ".hidden"]), max_size=3),
        st.sampled_from(["t1c", "t2w", "seg", "readme"]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(trees)
@settings(max_examples=40)
def test_every_case_in_a_tree_is_found_once(
    cases: list[tuple[list[str], str]],
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        expected = {}
        for number, (parents, kind) in enumerate(cases):
            case = f"BraTS-GLI-{number:05d}-000"
            folder = root.joinpath(*parents, case)
            folder.mkdir(parents=True)
            (folder / f"{case}-{kind}.nii.gz").touch()
            if ".hidden" not in parents:
                expected[case] = (folder, {kind} - {"seg", "readme"}, kind == "seg")
        try:
            result = find_cases(root)
        except DataError:
            assert not expected
            return
    assert [case.id for case in result] == sorted(expected)
    for found in result:
        folder, images, has_segmentation = expected[found.id]
        assert found.folder == folder
        assert set(found.images) == images
        assert (found.segmentation is not None) == has_segmentation


# Configs -----------------------------------------------------------------------------------------

options = st.fixed_dictionaries(
    {},
    optional={
        "optimizer.init_args.lr": st.floats(1e-8, 10),
        "data.batch_size": st.integers(1, 64),
        "data.modalities": st.lists(
            st.sampled_from(["t1n", "t1c", "t2w", "t2f"]), min_size=1, unique=True
        ),
        "data.target": st.sampled_from(["whole", "core", "regions", "labels"]),
        "data.slices": st.sampled_from(["middle", "tumour", [1], [0, 2]]),
        "data.split_sizes": st.sampled_from([None, [8, 3, 3], [0.5, 0.25, 0.25]]),
        "seed_everything": st.integers(0, 2**32 - 1),
        "best_checkpoint.mode": st.sampled_from(["min", "max"]),
        "lr_scheduler.init_args.T_0": st.none() | st.integers(1, 9),
    },
)


@pytest.mark.slow
def test_a_run_of_a_saved_config_saves_the_same_config(program: Program) -> None:
    @given(options)
    @settings(max_examples=4)
    def check(chosen: dict[str, Any]) -> None:
        with TemporaryDirectory(dir=".") as folder:
            Path(folder, "options.yaml").write_text(yaml.safe_dump(chosen), "utf-8")
            roots = [f"{folder}/first", f"{folder}/second"]
            root = "--trainer.default_root_dir"
            quick = ["--trainer.limit_train_batches", "1", root, roots[0]]
            assert program("fit", "--config", f"{folder}/options.yaml", *quick) == 0
            (first,) = find_runs(Path(roots[0]))
            assert main(["fit", "--config", str(first.config), root, roots[1]]) == 0
            (second,) = find_runs(Path(roots[1]))
            configs = [yaml.safe_load(run.config.read_text("utf-8")) for run in (first, second)]
        assert [config["trainer"].pop("default_root_dir") for config in configs] == roots
        assert configs[0] == configs[1]

    check()
