"""What holds for any input, tried on many, always the same ones: no test fails by chance."""

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

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

# The split ---------------------------------------------------------------------------------------

patients = st.lists(st.integers(1, 3), min_size=3, max_size=40)  # scans of each patient


def cases_of(scans: list[int]) -> dict[str, str]:
    return {f"p{p:02d}-{s}": f"p{p:02d}" for p, number in enumerate(scans) for s in range(number)}


@given(patients, st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_split_has_no_patient_twice_and_does_not_depend_on_the_order(
    scans: list[int], seed: int, shuffler: Random
) -> None:
    patient_of = cases_of(scans)
    split = split_patients(patient_of, None, seed)
    dealt = [case for side in SPLITS for case in split[side]]
    assert sorted(dealt) == sorted(patient_of)
    sides = [{patient_of[case] for case in split[side]} for side in SPLITS]
    assert all(sides)
    assert sum(map(len, sides)) == len(set().union(*sides))
    shuffled = list(patient_of.items())
    shuffler.shuffle(shuffled)
    assert split_patients(dict(shuffled), None, seed) == split


@given(patients, st.tuples(*[st.integers(1, 30)] * 3), st.integers(0, 99))
@settings(max_examples=60)
def test_three_counts_are_met_to_the_case_or_refused(
    scans: list[int], sizes: tuple[int, int, int], seed: int
) -> None:
    patient_of = cases_of(scans)
    try:
        split = split_patients(patient_of, sizes, seed)
    except DataError:
        # With one scan a patient any three counts can be had that do not ask for too many.
        assume(max(scans) > 1 or sum(sizes) > len(patient_of))
        return
    assert tuple(len(split[side]) for side in SPLITS) == sizes


# The counts table --------------------------------------------------------------------------------

masks = arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 3), *[st.integers(1, 6)] * 2))


@given(masks, st.data())
@settings(max_examples=60)
def test_the_counts_are_scikit_learns(prediction: NDArray[np.bool_], data: st.DataObject) -> None:
    truth = data.draw(arrays(bool, prediction.shape))
    counts = SliceCounts()
    samples = torch.arange(len(prediction))
    counts.update(torch.from_numpy(prediction), torch.from_numpy(truth), samples)
    table = counts.compute()[:, 1:].reshape(*prediction.shape[:2], 4)
    for n, c in product(*map(range, prediction.shape[:2])):
        expected = confusion_matrix(
            truth[n, c].ravel(), prediction[n, c].ravel(), labels=[False, True]
        )
        (tn, fp), (fn, tp) = expected.tolist()
        assert table[n, c].tolist() == [tp, fp, fn, tn]


# Framing and orientation -------------------------------------------------------------------------

sides = st.integers(1, 20)


@given(arrays(np.int16, st.tuples(st.integers(1, 2), sides, sides)), st.tuples(sides, sides))
@settings(max_examples=80)
def test_framing_back_gives_what_was_not_cropped(
    slices: NDArray[np.int16], size: tuple[int, int]
) -> None:
    framed = crop_or_pad(slices, size)
    assert framed.shape == (len(slices), *size)
    back = crop_or_pad(framed, slices.shape[-2:])
    kept = crop_or_pad(crop_or_pad(np.ones_like(slices), size), slices.shape[-2:]) > 0
    np.testing.assert_array_equal(back[kept], slices[kept])
    assert not back[~kept].any()
    expected = [min(old, new) for old, new in zip(slices.shape[-2:], size, strict=True)]
    assert kept.sum() == len(slices) * np.prod(expected)


# One letter of each pair, in any order: the 48 orientations.
orientations = st.permutations(["LR", "PA", "SI"]).flatmap(
    lambda axes: st.tuples(*map(st.sampled_from, axes)).map("".join)
)


@given(
    orientations,
    arrays(np.uint8, st.tuples(*[st.integers(2, 5)] * 3), elements=st.integers(0, 3)),
    st.tuples(*[st.sampled_from([0.5, 1.0, 2.25])] * 3),
)
@settings(max_examples=25)
def test_a_label_map_comes_back_in_the_orientation_that_its_image_had(
    orientation: str, labels: NDArray[np.uint8], spacing: tuple[float, ...]
) -> None:
    straight = sitk.GetImageFromArray(labels)
    straight.SetSpacing(spacing)
    turned = sitk.DICOMOrient(straight, orientation)
    with TemporaryDirectory() as folder:
        source, written = Path(folder, "in.nii"), Path(folder, "out.nii")
        sitk.WriteImage(turned, str(source))
        np.testing.assert_array_equal(read_volume(source)[0], labels)
        write_label_map(written, labels, like=source)
        back = sitk.ReadImage(str(written))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(turned))
    np.testing.assert_allclose(back.GetDirection(), turned.GetDirection(), atol=1e-6)


# Discovery ---------------------------------------------------------------------------------------

places = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a", "b", "grade", ".hidden"]), max_size=3),
        st.sampled_from(["t1c", "t2w", "seg", "readme"]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(places)
@settings(max_examples=40)
def test_every_case_in_a_tree_is_found_once_where_it_lies(
    cases: list[tuple[list[str], str]],
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        expected = {}
        for number, (parents, what) in enumerate(cases):
            case = f"BraTS-GLI-{number:05d}-000"
            folder = root.joinpath(*parents, case)
            folder.mkdir(parents=True)
            (folder / f"{case}-{what}.nii.gz").touch()
            if ".hidden" not in parents:
                expected[case] = (folder, {what} - {"seg", "readme"}, what == "seg")
        try:
            found = find_cases(root)
        except DataError:
            assert not expected
            return
    assert [case.id for case in found] == sorted(expected)
    for one in found:
        folder, images, has_truth = expected[one.id]
        assert one.folder == folder
        assert set(one.images) == images
        assert (one.segmentation is not None) == has_truth


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
def test_a_saved_config_reruns_to_the_same_config(program: Program) -> None:
    @given(options)
    @settings(max_examples=4)
    def check(chosen: dict[str, Any]) -> None:
        with TemporaryDirectory(dir=".") as folder:
            Path(folder, "own.yaml").write_text(yaml.safe_dump(chosen), "utf-8")
            roots = [f"{folder}/first", f"{folder}/second"]
            root = "--trainer.default_root_dir"
            quick = ["--trainer.limit_train_batches", "1", root, roots[0]]
            assert program("fit", "--config", f"{folder}/own.yaml", *quick) == 0
            (first,) = find_runs(Path(roots[0]))
            assert main(["fit", "--config", str(first.config), root, roots[1]]) == 0
            (second,) = find_runs(Path(roots[1]))
            one, two = (yaml.safe_load(run.config.read_text("utf-8")) for run in (first, second))
        assert one["trainer"].pop("default_root_dir") == roots[0]
        assert two["trainer"].pop("default_root_dir") == roots[1]
        assert one == two

    check()
