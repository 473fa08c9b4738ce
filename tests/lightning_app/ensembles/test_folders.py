"""The test of an ensemble is found."""

from pathlib import Path

from lightning_app.ensembles.folders import test_of as own_test
from lightning_app.ensembles.predictor import joined
from tests.helpers.runs.toy_ensembles import write_ensemble
from tests.helpers.runs.toy_runs import ToyRun
from tests.lightning_app.ensembles.test_predictor import CASES


def test_an_ensemble_may_have_been_tested_under_another_name(tmp_path: Path) -> None:
    runs = [ToyRun(CASES, name=f"2026010{day}-000000-aaaaaa").write(tmp_path) for day in (1, 2)]
    predictor = joined(runs, tmp_path, is_mirrored=False)
    assert not own_test(predictor).metrics.exists()
    write_ensemble(tmp_path, "one", runs[:1], is_mirrored=True)
    write_ensemble(tmp_path, "mirrored", runs, is_mirrored=True)
    assert not own_test(predictor).metrics.exists()
    write_ensemble(tmp_path, predictor.folder.path.name, runs[:1])
    assert not own_test(predictor).metrics.exists()
    mine = write_ensemble(tmp_path, "mine", runs[::-1])
    assert own_test(predictor) == mine.test()
