"""A command line with all options of ``fit`` that builds only the data module."""

from jsonargparse import Namespace

from data_modules.brats import BraTSDataModule
from lightning_app.commands.shared.base_cli import BaseCLI, resolve_paths
from lightning_app.config.lookup import BASE
from lightning_app.config.parser import ExperimentParser, default_configs
from lightning_app.utils.errors import UsageError


class DataCLI(BaseCLI):
    """Parses configs and options, and builds the data that they name.

    Args:
        arguments: the configs and options.
        command: to which help and errors belong.
        description: for the help.

    Attributes:
        datamodule: the data, not prepared yet.
    """

    datamodule: BraTSDataModule

    def __init__(self, arguments: list[str], command: str, description: str = "") -> None:
        parser = {
            "default_config_files": default_configs([BASE]),
            "prog": f"python main.py {command}",
            "description": description,
        }
        super().__init__(arguments, parser_kwargs=parser, run=False)

    def before_instantiate_classes(self) -> None:
        """Resolve paths against the working folder and the environment."""
        resolve_paths(self.config.data)

    def instantiate_classes(self) -> None:
        """Build the data module.

        Raises:
            UsageError: the module refuses an option.
        """
        parser = ExperimentParser()
        parser.add_lightning_class_args(BraTSDataModule, "data")
        try:
            built = parser.instantiate_classes(Namespace(data=self.config.data))  # type: ignore[no-untyped-call]
        except (ValueError, TypeError) as error:
            raise UsageError(" ".join(str(error).split())) from error
        self.datamodule = built.data
