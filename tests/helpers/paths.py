"""Paths of the project and of optional files next to it.

Tests that need these files skip if they are absent.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "main.py"
SHARED = ROOT.parent / "shared"
