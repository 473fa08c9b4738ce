"""The members of an ensemble in metrics.json. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_app.ensembles.predictor import MIRROR, Predictor
from lightning_app.runs.folder import ResultFolder, Run, TestFolder, run_config
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.records import read_environment, read_record

MEMBERS_KEY = "members"
_TTA_KEY = "tta"


@dataclass(frozen=True)
class MemberRecord:
    """A run whose weights were tested as part of an ensemble, or on mirrored images.

    Attributes:
        path: of the run's folder; relative to the root of the ensemble if it is there.
        epoch: of the tested weights.
    """

    path: str
    epoch: int

    def run(self, ensemble: ResultFolder) -> Run:
        """The run.

        Args:
            ensemble: in whose record this is.
        """
        return Run(ensemble.path.parents[1] / self.path)


@dataclass(frozen=True)
class Members:
    """Whose weights were tested; none if they are those of the tested run itself."""

    runs: Sequence[MemberRecord]
    is_mirrored: bool

    @classmethod
    def from_values(cls, values: Values) -> "Members":
        """From metrics.json.

        Raises:
            RecordError: a member is not described.
        """
        if not values.has(MEMBERS_KEY):
            return cls((), is_mirrored=False)
        runs = [
            MemberRecord(member.text("path"), member.values("checkpoint").whole_number("epoch"))
            for member in values.list_of_values(MEMBERS_KEY)
        ]
        if not runs:
            raise RecordError(values.path, f"{MEMBERS_KEY} is empty")
        return cls(runs, is_mirrored=values.has(_TTA_KEY))


def read_members(test: TestFolder) -> Members:
    """The members in metrics.json of a test.

    Raises:
        RecordError: it is damaged.
        FileNotFoundError: there is none.
    """
    return Members.from_values(Values(read_record(test.metrics), test.metrics))


def members_to_json(
    predictor: Predictor, checkpoints: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What metrics.json says of the members.

    Args:
        predictor: that is tested.
        checkpoints: of its runs: file, epoch and validation score.
    """
    members = [
        _member(predictor, run, checkpoint)
        for run, checkpoint in zip(predictor.runs, checkpoints, strict=True)
    ]
    return {MEMBERS_KEY: members, _TTA_KEY: MIRROR if predictor.is_mirrored else None}


def _member(predictor: Predictor, run: Run, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    environment = read_environment(run.environment)
    return {
        "run": f"{run.experiment}/{run.path.name}",
        "path": _relative(run.path, predictor.folder.path.parents[1]),
        "network": run_config(run)["model"]["network"]["class_path"],
        "commit": environment.commit,
        "checkpoint": checkpoint,
    }


def _relative(path: Path, root: Path) -> str:
    inside = path.is_relative_to(root)
    return path.relative_to(root).as_posix() if inside else str(path)
