"""The phantom that is used if no data are given."""

from dataclasses import dataclass
from pathlib import Path

from data_modules.phantom.dataset import GENERATOR_VERSION, write_phantom
from data_modules.utils.errors import DataError


@dataclass(frozen=True)
class PhantomOptions:
    """Which synthetic patients are made if data.root is null.

    Args:
        cases: Number of scans; about one patient in ten has two.
        depth: Slices of a scan, 1 to 155.
        seed: Seed of all random numbers.
    """

    cases: int = 60
    depth: int = 24
    seed: int = 0

    def make_below(self, folder: Path) -> Path:
        """Write the phantom into a subfolder, unless it exists already, and return that folder.

        Raises:
            DataError: an option is out of range, or the folder cannot be written.
        """
        name = f"phantom-{self.cases}-cases-{self.depth}-slices-seed-{self.seed}"
        output = folder / f"{name}-version-{GENERATOR_VERSION}"
        try:
            write_phantom(output, self.cases, self.depth, self.seed)
        except (ValueError, OSError) as error:
            raise DataError(f"data.phantom: {error}") from None
        return output
