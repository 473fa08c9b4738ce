"""A trained run, for Python programs and notebooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Trainer
from numpy.typing import ArrayLike, NDArray
from torch import nn
from torch.utils.data import DataLoader

from callbacks.acceleration import Acceleration
from callbacks.native_precision import native_precision
from data_modules.case_volume import CaseVolume, read_case, volume_of_arrays
from data_modules.catalog.cases import Case
from data_modules.catalog.cases_to_predict import cases_to_predict
from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.geometry import read_grid
from data_modules.io.writers import on_grid
from data_modules.volume_dataset import as_item
from lightning_app.ensembles.saved_task import build_task
from lightning_app.results.predictions.unseen_data import warn_of_spacing, warn_of_unseen_slices
from lightning_app.runs.folder import DEFAULT_ROOT, Run, run_config
from lightning_app.runs.lookup import trained_run
from lightning_app.runs.records import DataRecord, read_environment, trained_window
from lightning_app.runs.weights import load_weights
from lightning_app.task import SegmentationTask
from lightning_app.tuning.used import postprocessing_of
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import quiet_libraries

Arrays = Mapping[str, ArrayLike] | ArrayLike


@dataclass(frozen=True)
class TrainedRun:
    """A run with its best weights.

    Attributes:
        path: the run's folder.
        config: every option of the training, as in config.yaml.
        task: the network with what it segments.
        trained_on: the data of the training.
        window: height and width of what the network got in training; None for whole slices.
    """

    path: Path
    config: Mapping[str, Any]
    task: SegmentationTask
    trained_on: DataRecord
    window: tuple[int, int] | None

    @property
    def network(self) -> nn.Module:
        """Maps images (N, modalities, H, W) to logits (N, channels, H, W)."""
        return self.task.network

    @property
    def modalities(self) -> list[str]:
        """The channels of the network's images, in order."""
        return list(self.config["data"]["modalities"])

    @property
    def labels(self) -> dict[int, str]:
        """What each value of a label map means, but for 0, the background."""
        return dict(self.task.target.written)

    def segment(
        self, case: str | Path | Arrays, *, release: str | None = None
    ) -> NDArray[np.uint8]:
        """The label map of a case: what ``predict`` writes.

        Args:
            case: a case's folder or file, or raw intensities: an array (D, H, W) for each modality
                by its name, or one array (C, D, H, W) in the order of ``modalities``. Arrays are
                in the order of BraTS: slices from the neck up, the front of the head in the first
                row, the patient's right in the first column. Their intensities are normalised as
                those of files, so they must be neither z-scored nor cropped.
            release: of the files, such as brats-ped2024, if their names do not tell; by default
                that of the training.

        Returns:
            uint8 (D, H, W): for a file in the order of its axes, as
            ``SimpleITK.GetArrayFromImage`` gives them, for arrays of their shape.

        Raises:
            DataError: the case cannot be read, or the arrays cannot be segmented.
            UsageError: there is not exactly one case, or not an array for each modality.
        """
        if isinstance(case, str | Path):
            return self._segment_files(self._only_case(Path(case), release))
        arrays = self._by_modality(case)
        labels = self._labels(volume_of_arrays(arrays, self._image_size, self.window))
        height, width = next(iter(arrays.values())).shape[1:]
        return crop_or_pad(labels, (height, width))

    def _segment_files(self, case: Case) -> NDArray[np.uint8]:
        volume = read_case(case, self.modalities, self._image_size, self.window)
        warn_of_spacing(case.id, volume.spacing, self.trained_on)
        first = self.modalities[0]
        return on_grid(self._labels(volume), read_grid(case.images[first], case.channel(first)))

    def _only_case(self, path: Path, release: str | None) -> Case:
        release = release or str(self.config["data"]["release"])
        cases = cases_to_predict(path, self.modalities, release)
        if len(cases) > 1:
            raise UsageError(f"'{path}' holds {len(cases)} cases, expected one: name its folder")
        return cases[0]

    def _by_modality(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """An array for each of the network's modalities, in its order."""
        if not isinstance(arrays, Mapping):
            channels = np.asarray(arrays)
            if channels.ndim != 4 or len(channels) != len(self.modalities):
                raise UsageError(
                    f"the array has the shape {channels.shape}, expected (channels, depth, height, "
                    f"width) with {len(self.modalities)} channels: {', '.join(self.modalities)}"
                )
            return dict(zip(self.modalities, channels, strict=True))
        if missing := [name for name in self.modalities if name not in arrays]:
            raise UsageError(
                f"there is no array of {', '.join(missing)}, the network was trained on: "
                f"{', '.join(self.modalities)}; there are: {', '.join(arrays) or 'none'}"
            )
        return {name: np.asarray(arrays[name]) for name in self.modalities}

    @property
    def _image_size(self) -> tuple[int, int]:
        height, width = self.config["data"]["image_size"]
        return height, width

    def _labels(self, volume: CaseVolume) -> NDArray[np.uint8]:
        """The label map (D, H, W) of the network's height and width, in the order of BraTS."""
        volumes: Any = [as_item(volume)]
        loader = DataLoader(volumes, batch_size=None)
        with quiet_libraries():
            predicted: Any = self._trainer().predict(self.task, loader)
        labels: NDArray[np.uint8] = predicted[0].labels.cpu().numpy()
        return labels

    def _trainer(self) -> Trainer:
        """A trainer that runs the network as ``predict`` does."""
        options = self.config["trainer"]
        accelerator = "cpu" if options["accelerator"] == "cpu" else "auto"
        return Trainer(
            accelerator=accelerator,
            devices=1,
            precision=native_precision(options["precision"], accelerator),
            callbacks=[Acceleration(**self.config.get("acceleration", {}))],
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
        )


def load_run(run: str | Path, *, trust: Sequence[str] = ()) -> TrainedRun:
    """Load a trained run with the weights of its best epoch.

    Args:
        run: a run's folder, the folder of an experiment for its newest run, or the name of either
            below ``runs``.
        trust: modules and classes of your own that the run's config names. Their code will run.

    Raises:
        UsageError: there is no such run, or it is damaged, or names classes that are not trusted.
    """
    folder: Run = trained_run(Path(DEFAULT_ROOT), str(run))
    config, trained_on = run_config(folder), read_environment(folder.environment).data
    window = trained_window(folder.config, folder.environment)
    task = build_task(folder, trust)
    load_weights(task.network, folder.best)
    task.postprocessing = postprocessing_of(folder, task.target)
    warn_of_unseen_slices(trained_on)
    return TrainedRun(folder.path, config, task.eval(), trained_on, window)
