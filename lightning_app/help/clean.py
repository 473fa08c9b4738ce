"""The short help of ``clean``."""

from lightning_app.help.shared.page import Option, Page

PAGE = Page(
    usage="clean [RUNS_DIR] [--yes]",
    summary="List what can be deleted, with sizes: the last checkpoints of finished runs, which "
    "then cannot be trained further; slices in the cache that no run below RUNS_DIR uses and "
    "nobody has opened for 30 days; and what killed commands left. Nothing is deleted without "
    "--yes, and nothing that is in use.",
    examples=("python main.py clean", "python main.py clean runs --yes"),
    options=(
        Option("RUNS_DIR", "", "folder of the runs; its subfolders are searched too", "runs"),
        Option("--yes", "", "delete all of it"),
    ),
)
