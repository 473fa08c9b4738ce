"""A LightningCLI that understands all that ``fit`` does, and builds nothing but the data module."""

from jsonargparse import Namespace

from data_modules.brats import BraTSDataModule
from lightning_app.commands.shared.base_cli import BaseCLI, resolve_paths
from lightning_app.config.lookup import BASE
from lightning_app.config.parser import ExperimentParser
from lightning_app.task import SegmentationTask
from lightning_app.utils.errors import UsageError


class DataCLI(BaseCLI):
    """Parses configs and options, and builds the data that they name.

    Args:
        arguments: the configs and options.
        command: whose help and errors these are.
        description: for the help.

    Attributes:
        datamodule: the data, not prepared yet.
    """

    datamodule: BraTSDataModule

    def __init__(self, arguments: list[str], command: str, description: str) -> None:
        super().__init__(
            SegmentationTask,
            BraTSDataModule,
            save_config_callback=None,
            seed_everything_default=0,
            parser_class=ExperimentParser,
            parser_kwargs={
                "default_config_files": [str(BASE)],
                "prog": f"python main.py {command}",
                "description": description,
            },
            args=arguments,
            run=False,
            load_from_checkpoint_support=False,
        )

    def before_instantiate_classes(self) -> None:
        """Resolve what the config leaves to the surroundings."""
        resolve_paths(self.config.data)

    def instantiate_classes(self) -> None:
        """Build the data module; what it refuses is an error in the options.

        Raises:
            UsageError: it refuses.
        """
        data_alone = ExperimentParser()
        data_alone.add_lightning_class_args(BraTSDataModule, "data")
        try:
            built = data_alone.instantiate_classes(Namespace(data=self.config.data))  # type: ignore[no-untyped-call]
        except (ValueError, TypeError) as error:
            raise UsageError(" ".join(str(error).split())) from error
        self.datamodule = built.data
