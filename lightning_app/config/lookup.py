"""Finds configs by their names. Imports neither torch nor lightning."""

import difflib
from itertools import product
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
BASE = CONFIGS / "base.yaml"
FOLDERS = (CONFIGS, CONFIGS / "variants", CONFIGS / "overlays")  # where a bare name is found

PAPER_MODALITIES = ("t1c", "t2f", "t2w")
PAPER_NETWORKS = ("unet", "attention_unet", "spp", "aspp")
# The twelve experiments of the paper; each is a file in configs/. Others are in configs/variants/.
PAPER_EXPERIMENTS = tuple(
    f"{network}_{modality}" for modality, network in product(PAPER_MODALITIES, PAPER_NETWORKS)
)


def find_config(name: str, option: str = "--config") -> Path:
    """The file that an option names: a path, or a bare name in one of FOLDERS.

    Raises:
        ValueError: there is no such file; names the nearest ones.
    """
    if Path(name).is_file():
        return Path(name)
    if "/" not in name:
        for folder in FOLDERS:
            for candidate in (folder / name, folder / f"{name}.yaml"):
                if candidate.is_file():
                    return candidate
    files = [file for folder in FOLDERS for file in folder.glob("*.yaml")]
    names = sorted(file.name for file in files if file != BASE)
    near = difflib.get_close_matches(Path(name).name, names, n=3, cutoff=0.4)
    what = "not a regular file" if Path(name).exists() else "no such file"
    raise ValueError(f"{option} '{name}': {what}; nearest: {', '.join(near or names)}")
