"""Where the program, its configs and the optional shared files are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "main.py"
SHARED = ROOT.parent / "shared"
