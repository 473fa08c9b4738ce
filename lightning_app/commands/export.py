"""The ``export`` command: a trained model in a folder that needs nothing of this program."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser

from data_modules.utils.words import counted
from lightning_app.commands.shared.ensemble_cli import PostprocessedCLI
from lightning_app.ensembles.saved_task import network_options
from lightning_app.export.description import describe, identity_of
from lightning_app.export.earlier import earlier_export
from lightning_app.export.file_records import LARGEST_LOSS, Quantised
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.export.packages import (
    FOR_INT8,
    FOR_ONNX,
    FOR_SAFETENSORS,
    OPENVINO,
    check_installed,
)
from lightning_app.export.record import ModelRecord
from lightning_app.export.runtimes.choice import QuantiseName
from lightning_app.export.validation_slices import validation_batches
from lightning_app.export.verification import VerificationError
from lightning_app.export.write import Model, new_folder, write_model
from lightning_app.help import export
from lightning_app.runs.weights import load_weights
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import print_on_rank_zero
from lightning_app.utils.text import print_lines

Format = Literal["onnx", "safetensors", "both"]
_TRAINER_OPTION = "--trainer."
# In float32 on the CPU, as whoever runs the graph does.
_TRAINER = {
    "accelerator": "cpu", "strategy": "auto", "devices": 1, "num_nodes": 1, "precision": "32-true",
}  # fmt: skip


class ExportCLI(PostprocessedCLI):
    """Writes the network of a run, or of several joined, and compares it with them."""

    command = "predict"  # of the Trainer
    page = export.PAGE
    makes_volumes = True

    @classmethod
    def _run(cls, arguments: list[str]) -> int:
        for option in (word.partition("=")[0] for word in arguments):
            if option.startswith(_TRAINER_OPTION) and option[len(_TRAINER_OPTION) :] in _TRAINER:
                raise UsageError(
                    f"{option}: a model is exported in float32 and compared on one CPU, as "
                    "whoever runs its graph runs it: leave the option out"
                )
        try:
            return super()._run(arguments)
        except VerificationError as error:
            print_lines(f"error: {error}", file=sys.stderr)
            return 1

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the output and its format."""
        super().add_arguments_to_parser(parser)
        parser.add_argument(
            "--output", type=Path | None, help="The folder. Default: export in that of the run."
        )
        parser.add_argument(
            "--format", type=Format, default="both", help="onnx, safetensors or both."
        )

        parser.add_argument(
            "--quantise",
            type=QuantiseName | None,
            help="int8: write the graph with integers of 8 bits too, for OpenVINO.",
        )

    def check_against_run(self, config: Namespace) -> None:
        """Check packages and output too, and choose float32 on the CPU.

        Raises:
            UsageError: a package is missing, or a file is in the way.
        """
        wanted = config.format
        if config.quantise:
            if wanted == "safetensors":
                raise UsageError(
                    f"--quantise {config.quantise} quantises the graph, which --format "
                    "safetensors leaves out: expected onnx or both"
                )
            check_installed(f"export --quantise {config.quantise}", FOR_INT8, OPENVINO)
        self._onnx, self._weights = wanted != "safetensors", wanted != "onnx"
        check_installed("export", [*FOR_ONNX * self._onnx, *FOR_SAFETENSORS * self._weights])
        super().check_against_run(config)
        self._output = (config.output or self.predictor.folder.path / EXPORT).resolve()
        self._earlier()
        for option, value in _TRAINER.items():
            config.trainer[option] = value

    def after_instantiate_classes(self) -> None:
        """Load the weights of a run by itself too."""
        super().after_instantiate_classes()
        if self.predictor.is_plain:
            load_weights(self.model.network, self.run_folder.best)

    def predict(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Write, compare, and print what was written.

        Raises:
            UsageError: the data cannot be read, or the network cannot be written.
            VerificationError: a file does not do what the run does.
        """
        predictor = self.predictor
        with new_folder(self._output) as folder:  # before any work: it may not be writable
            batches = validation_batches(self.datamodule)
            record = describe(predictor, self.datamodule, self.model.postprocessing)
            if earlier := self._earlier():
                record = replace(record, licence=earlier.licence)  # which the user has filled in
            networks = [network_options(run, self._trusted) for run in predictor.runs]
            model_to_write = Model(predictor, self.model.eval(), networks, record, batches)
            print_on_rank_zero("Writing and comparing, up to a minute for each network ...")
            quantise = self._quantise if self.option("quantise") else None
            record = write_model(
                model_to_write, folder, onnx=self._onnx, weights=self._weights, quantise=quantise
            )
            self._earlier()  # somebody may have put a file there in the meantime
        self._print(record)
        self._check_quantised(record)

    def _quantise(self, folder: ExportFolder) -> Quantised:
        from lightning_app.export.quantisation import write_quantised

        print_on_rank_zero("Quantising, and validating twice ...")
        return write_quantised(self.model, self.datamodule, folder)

    def _check_quantised(self, record: ModelRecord) -> None:
        """Say if the quantised graph was not kept. Raises VerificationError then."""
        found = record.quantised
        if found is not None and not found.is_accepted:
            raise VerificationError(
                f"{found.kind} was not kept: its validation Dice is {found.dice_quantised:.4f}, "
                f"that of the run {found.dice_float:.4f}, expected at most {LARGEST_LOSS:g} less; "
                "all other files were written"
            )

    def _earlier(self) -> ModelRecord | None:
        """The export that is replaced. Raises UsageError for a folder of anything else."""
        return earlier_export(self._output, identity_of(self.predictor))

    def _print(self, record: ModelRecord) -> None:
        folder = ExportFolder(self._output)
        print_on_rank_zero(f"Model: {folder.path}")
        for name, file in record.files.items():
            print_on_rank_zero(f"  {name} {_size(file.bytes)}{_verified(record, name)}")
        if record.licence is None:
            print_on_rank_zero(
                f"No licence yet: fill it in as licence in {folder.record.name} and export again, "
                f"which writes it into {folder.card.name}"
            )
        if folder.example.is_file():
            files = [f"{name}=FILE" for name in record.images.modalities]
            words = ["python", str(folder.example), *files, "--output", "labels.nii.gz"]
            print_on_rank_zero(f"Try it: {shlex.join(words)}")


def _size(number: int) -> str:
    return f"({number / 1e6:,.1f} MB)" if number >= 1e5 else f"({number / 1e3:,.1f} kB)"


def _verified(record: ModelRecord, name: str) -> str:
    quantised = record.quantised
    if quantised is not None and name == ExportFolder(Path()).int8.name:
        return (
            f": validation Dice {quantised.dice_quantised:.4f}, that of the run "
            f"{quantised.dice_float:.4f}"
        )
    if name not in record.verification:
        return ""
    found = record.verification[name]
    return (
        f": as the run on {counted(found.slices, 'validation slice')}, largest difference "
        f"{found.largest_difference:.1g}, mask pixels changed {found.pixels_changed} of "
        f"{found.pixels:,}"
    )


run = ExportCLI.run
