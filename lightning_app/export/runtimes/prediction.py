"""Segments cases with an exported model and writes what ``predict`` writes. Imports no torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from data_modules.case_volume import CaseVolume, read_case
from data_modules.catalog.cases import Case
from data_modules.utils.errors import DataError
from lightning_app.export.record import ModelRecord
from lightning_app.export.runtimes.decoding import Runner
from lightning_app.export.runtimes.segmentation import Segmented, segment
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.results.predictions.case_files import (
    Meaning,
    write_case_labels,
    write_case_probabilities,
)
from lightning_app.results.predictions.label_map_folder import LabelMapFolder
from lightning_app.results.predictions.unseen_data import warn_of_spacing


@dataclass(frozen=True)
class Prediction:
    """What segments cases, and where the results go.

    Attributes:
        record: of the model.
        run: gives the probabilities of slices.
        postprocessing: of the masks.
        label_maps: gets them, and their pictures if they are wanted.
        probabilities: gets those of the classes; None if they are not wanted.
    """

    record: ModelRecord
    run: Runner
    postprocessing: Postprocessing
    label_maps: LabelMapFolder
    probabilities: LabelMapFolder | None

    def of_case(self, case: Case) -> Iterator[str]:
        """Segment a case and write what is wanted.

        Yields:
            Why the case, or a file of it, was left out.

        Raises:
            UsageError: the model cannot be run.
            OSError: a file cannot be written.
        """
        images = self.record.images
        try:
            volume = read_case(case, images.modalities, images.image_size, images.window)
        except DataError as error:
            yield str(error)
            return
        found = segment(volume, self.run, self.record.output, self.postprocessing)
        yield from self._write(case, volume, found)

    def _write(self, case: Case, volume: CaseVolume, found: Segmented) -> Iterator[str]:
        meaning = self._meaning
        first = meaning.modalities[0]
        if reason := self.label_maps.refusal(case, first):  # another process wrote it
            yield reason
        else:
            warn_of_spacing(case.id, volume.spacing, self.record.training_data)
            write_case_labels(self.label_maps, case, found.labels, volume.spacing, meaning)
            self._draw(case, volume, found, meaning)
        if self.probabilities is not None:
            if reason := self.probabilities.refusal(case, first):
                yield reason
            else:
                write_case_probabilities(self.probabilities, case, found.probabilities, meaning)

    def _draw(self, case: Case, volume: CaseVolume, found: Segmented, meaning: Meaning) -> None:
        if self.label_maps.has_pictures:
            from lightning_app.results.predictions.case_picture import draw_case

            path = self.label_maps.picture(case.id)
            draw_case(path, case.id, volume.image, found.labels, meaning.written)

    @property
    def _meaning(self) -> Meaning:
        output = self.record.output
        written = [(label.value, label.meaning) for label in output.labels]
        modalities = self.record.images.modalities
        return Meaning(output.target, output.classes, written, self.postprocessing, modalities)
