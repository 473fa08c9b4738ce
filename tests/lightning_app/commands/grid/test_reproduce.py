"""`reproduce` does only what is missing."""

import shutil
from pathlib import Path

import pytest
import yaml

from lightning_app.cli import main
from lightning_app.commands.grid.cells import cells
from lightning_app.config.lookup import BASE, CONFIGS
from lightning_app.runs.folder import find_runs
from lightning_app.utils.json_csv import read_json, write_json
from tests.conftest import Program
from tests.helpers.processors import pretend_processor
from tests.lightning_app.commands.grid.conftest import TWO, Calls, names, only_run


def test_finished_work_is_not_repeated(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", *TWO]) == 0
    assert names(calls) == ["fit", "test", "fit", "test", "report"]
    output = capsys.readouterr().out
    assert "[1/2] unet_t1c, seed 0" in output
    assert "[2/2] aspp_t2f, seed 0" in output
    runs = find_runs(Path("runs"))
    assert {run.experiment for run in runs} == {"unet_t1c", "aspp_t2f"}
    assert all(run.test().metrics.is_file() for run in runs)

    calls.clear()
    assert main(["reproduce", *TWO, "--data.num_workers", "1"]) == 0  # no effect on the results
    assert names(calls) == ["report"]

    calls.clear()
    (tested,) = (run for run in runs if run.experiment == "aspp_t2f")
    tested.test().metrics.unlink()
    assert main(["reproduce", *TWO, "--seeds", "2"]) == 0
    assert names(calls) == ["test", "fit", "test", "fit", "test", "report"]
    assert len(find_runs(Path("runs"))) == 4


@pytest.mark.parametrize(
    "callback",
    [
        "callbacks: {class_path: callbacks.weight_averaging.WarmedUpAverage}",
        # A saved config leaves out the default of interval, which YAML has no form for.
        "callbacks: {class_path: Timer, init_args: {duration: 01:00:00:00}}",
        # It has the keys as text.
        "callbacks: {class_path: GradientAccumulationScheduler, init_args: {scheduling: {0: 2}}}",
    ],
)
def test_a_grid_with_another_callback_is_another_grid(callback: str, calls: Calls) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    Path("more.yaml").write_text(f"trainer:\n  {callback}\n", "utf-8")
    more = ["--config", "more.yaml"]
    assert main(one) == 0
    calls.clear()
    assert main([*one, *more]) == 0
    assert names(calls) == ["fit", "test", "report"]
    calls.clear()
    assert main([*one, *more]) == 0
    assert names(calls) == ["report"]


def test_any_experiments_are_reproduced(calls: Calls) -> None:
    Path("mine").mkdir()
    shutil.copy(CONFIGS / "spp_t2w.yaml", "mine/other.yaml")
    own = ["--experiment", "unet_t1c.yaml", "--only", "unet_t1c", "--experiment", "mine/other.yaml"]
    assert main(["reproduce", *own, "--config", "toy.yaml"]) == 0
    assert names(calls) == ["fit", "test", "fit", "test", "report"]
    assert [run.experiment for run in find_runs(Path("runs"))] == ["other", "unet_t1c"]

    calls.clear()
    assert main(["reproduce", *own, "--config", "toy.yaml"]) == 0
    assert names(calls) == ["report"]


def test_a_variant_is_reproduced_by_its_bare_name() -> None:
    (cell,) = cells(["aspp_v2_t1c"], 1, [])
    assert (cell.config, cell.experiment) == ("aspp_v2_t1c.yaml", "aspp_v2_t1c")


def test_the_papers_twelve_are_the_default() -> None:
    grid = cells([], 1, [])
    assert {f"{cell.experiment}.yaml" for cell in grid} == {
        path.name for path in CONFIGS.glob("*.yaml") if path != BASE
    }
    assert len(grid) == 12


def test_a_test_of_earlier_weights_is_repeated(calls: Calls) -> None:
    own = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(own) == 0
    (run,) = find_runs(Path("runs"))
    metrics = run.test().metrics
    results = read_json(metrics)
    write_json(metrics, {**results, "checkpoint": {**results["checkpoint"], "epoch": -1}})

    calls.clear()
    assert main(own) == 0
    assert names(calls) == ["test", "report"]
    assert read_json(metrics)["checkpoint"] == results["checkpoint"]

    calls.clear()
    run.best.unlink()  # to save disk space: the test stays valid
    assert main(own) == 0
    assert names(calls) == ["report"]


@pytest.mark.parametrize("name", ["slices.csv", "cases.csv", "volumes.csv", "masks.npz"])
def test_a_test_that_wrote_only_some_of_its_files_is_repeated(name: str, calls: Calls) -> None:
    own = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(own) == 0
    test = only_run().test().path
    before = sorted(path.name for path in test.iterdir())
    (test / name).unlink()

    calls.clear()
    assert main(own) == 0
    assert names(calls) == ["test", "report"]
    assert sorted(path.name for path in test.iterdir()) == before


def test_a_test_that_left_out_slices_without_brain_is_repeated(calls: Calls) -> None:
    one = ["reproduce", *TWO[:2], *TWO[4:], "--data.eval_slices", "all"]
    assert main(one) == 0
    (run,) = find_runs(Path("runs"))
    content = read_json(run.test().metrics)
    del content["data"]["slices_format"]
    write_json(run.test().metrics, content)
    calls.clear()

    assert main(one) == 0
    assert names(calls) == ["test", "report"]


def test_another_config_or_other_data_are_another_run(calls: Calls) -> None:
    one = ["--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(["reproduce", *one]) == 0
    assert main(["reproduce", *one, "--optimizer.lr", "0.01"]) == 0
    assert main(["reproduce", *one, "--data.split_seed", "1"]) == 0
    assert names(calls) == 3 * ["fit", "test", "report"]


def test_a_run_without_a_later_option_matches_only_if_the_option_is_at_its_default(
    calls: Calls,
) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(one) == 0
    config = yaml.safe_load(only_run().config.read_text("utf-8"))
    del config["acceleration"], config["data"]["on_device"]
    only_run().config.write_text(yaml.safe_dump(config), "utf-8")

    calls.clear()
    assert main([*one, "--data.on_device", "true"]) == 0  # changes nothing
    assert names(calls) == ["report"]
    assert main([*one, "--acceleration.channels_last", "true"]) == 0
    assert names(calls) == ["report", "fit", "test", "report"]


def test_a_run_is_found_in_the_precision_that_the_processor_has(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ["reproduce", "--only", "unet_t1c", "--config", "cpu.yaml", "--config", "toy.yaml"]
    pretend_processor(monkeypatch, "AVX512")
    assert main(own) == 0
    pretend_processor(monkeypatch, "AVX2")  # the run in bfloat16 is that of this config
    assert main(own) == 0
    assert names(calls) == ["fit", "test", "report", "report"]

    calls.clear()
    shutil.rmtree("runs")
    assert main(own) == 0
    assert main(own) == 0
    assert names(calls) == ["fit", "test", "report", "report"]


@pytest.mark.parametrize(
    "limit", [["--trainer.limit_train_batches", "2"], ["--trainer.max_time", "00:00:00:00"]]
)
def test_a_partial_training_is_the_same_run_only_with_the_same_limit(
    limit: list[str], calls: Calls
) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    main([*one, *limit])
    assert names(calls) == ["fit", "test", "report"]
    main([*one, *limit])
    assert names(calls).count("fit") == 1

    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["fit", "test", "report"]
    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["report"]


def test_a_test_of_a_part_is_no_test(calls: Calls) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    typed = ["--data.slices", "all", "--data.split_sizes", "[8,3,3]"]
    assert main(["fit", "--config", "unet_t1c.yaml", "--config", "toy.yaml", *typed]) == 0
    assert main(["test", "--trainer.limit_test_batches", "2"]) == 0
    assert main([*one, *typed, "--trainer.limit_test_batches", "2"]) == 0  # does not matter to it
    assert names(calls) == ["test", "report"]

    calls.clear()
    metrics = only_run().test().metrics
    results = read_json(metrics)
    del results["partial"]
    write_json(metrics, {**results, "cases": 1})  # as an earlier version tested a part
    assert main([*one, *typed]) == 0
    assert names(calls) == ["test", "report"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "0"], "expected a whole number from 1 up"),
        (["--only", "vnet_t1c"], "--experiment 'vnet_t1c': no such file; nearest: unet_t1c.yaml"),
        (["--experiment", "no/such.yaml"], "--experiment 'no/such.yaml': no such file"),
        (
            ["--experiment", "unet_t1c", "--experiment", "mine/unet_t1c.yaml"],
            "'unet_t1c.yaml' and 'mine/unet_t1c.yaml' have the same name",
        ),
        (["--seed_everything", "3"], "--seed_everything follows from --seeds"),
        (["--data.batchsize", "3"], "batch_size"),
    ],
)
def test_bad_options_are_refused(
    options: list[str], words: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine").mkdir()
    shutil.copy(CONFIGS / "unet_t1c.yaml", "mine")
    try:
        code: object = main(["reproduce", *options])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert words in capsys.readouterr().err
