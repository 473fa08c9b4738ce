"""Where configs lie, and what a bare name means. Imports neither torch nor lightning."""

import difflib
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
BASE = CONFIGS / "base.yaml"


def find_config(name: str) -> Path:
    """The file that ``--config`` means: a path, or a bare name in configs/ or configs/overlays/.

    Raises:
        ValueError: there is none; names the nearest ones.
    """
    if Path(name).is_file():
        return Path(name)
    if "/" not in name:
        for folder in (CONFIGS, CONFIGS / "overlays"):
            for candidate in (folder / name, folder / f"{name}.yaml"):
                if candidate.is_file():
                    return candidate
    near = difflib.get_close_matches(Path(name).name, config_names(), n=3, cutoff=0.4)
    known = near or config_names()
    raise ValueError(f"--config '{name}': no such file; nearest: {', '.join(known)}")


def config_names() -> list[str]:
    """Bare names of all configs and overlays."""
    files = [*CONFIGS.glob("*.yaml"), *(CONFIGS / "overlays").glob("*.yaml")]
    return sorted(file.name for file in files if file != BASE)
