"""In which options runs differ, and how that is said."""

import pytest

from lightning_app.report.load.settings import (
    Settings,
    in_words,
    options_of,
    settings_of,
    settings_order,
    short_labels,
)

LR, WIDTHS, LOSS, FLIP = (
    "optimizer.init_args.lr", "model.network.init_args.widths", "model.loss.class_path",
    "data.flip",
)  # fmt: skip


def labels(*runs: dict[str, str]) -> list[str]:
    """The label of each run, all of one network."""
    settings = settings_of(runs)
    short = short_labels(settings, in_words(settings))
    return [", ".join(short[of_run]) for of_run in settings]


def test_options_have_dotted_names_and_classes_in_lists_keep_their_arguments() -> None:
    noise = {"class_path": "mine.Noise", "init_args": {"std": 0.1}}
    config = {"data": {"augmentations": [noise, {"class_path": "mine.Blur"}], "flip": False},
              "model": {"network": {"init_args": {"widths": [8, 16]}}}}  # fmt: skip
    assert options_of(config) == {
        "data.augmentations": "[mine.Noise(std=0.1), mine.Blur()]",
        "data.flip": "False",
        "model.network.init_args.widths": "[8, 16]",
    }


@pytest.mark.parametrize("arguments", [None, [1], "x", {"class_path": 3}])
def test_a_class_whose_arguments_make_no_sense_is_still_text(arguments: object) -> None:
    options = options_of({"a": [{"class_path": "x.Y", "init_args": arguments}]})
    assert options["a"].startswith("[x.Y(")


def test_settings_are_the_options_that_differ() -> None:
    first, second = {LR: "0.1", FLIP: "True"}, {LR: "0.2", FLIP: "True"}
    assert settings_of([first, second, first]) == [
        ((LR, "0.1"),), ((LR, "0.2"),), ((LR, "0.1"),),
    ]  # fmt: skip
    assert settings_of([first, first]) == [(), ()]


@pytest.mark.parametrize(
    "option",
    [
        "data.num_workers", "data.cache_dir", "data.root", "data.on_device", "data.split_seed",
        "trainer.logger.class_path", "trainer.enable_progress_bar", "trainer.default_root_dir",
        "trainer.devices", "trainer.accelerator", "trainer.strategy", "wandb_media.slices",
        "acceleration.fold_batch_norm", "seed_everything", "model.network.class_path",
        "data.modalities", "data.target", "data.eval_slices",
    ],
)  # fmt: skip
def test_options_that_do_not_change_what_is_learned_are_no_settings(option: str) -> None:
    assert settings_of([{option: "1"}, {option: "2"}]) == [(), ()]


@pytest.mark.parametrize(
    "option",
    [LR, WIDTHS, LOSS, FLIP, "data.slices", "data.augmentations", "data.batch_size",
     "trainer.precision", "trainer.max_epochs", "trainer.callbacks", "weights",
     "best_checkpoint.monitor", "acceleration.channels_last"],
)  # fmt: skip
def test_options_that_change_what_is_learned_are_settings(option: str) -> None:
    one, other = settings_of([{option: "1"}, {option: "2"}])
    assert one != other


def test_arguments_are_compared_between_runs_with_the_same_class() -> None:
    adam = {"optimizer.class_path": "torch.optim.Adam", LR: "0.001"}
    slow = {**adam, LR: "0.0001"}
    sgd = {"optimizer.class_path": "torch.optim.SGD", LR: "0.1"}
    assert labels(adam, sgd) == ["optimizer Adam", "optimizer SGD"]
    assert settings_of([adam, sgd])[1] == (("optimizer", "torch.optim.SGD"),)
    assert labels(adam, slow, sgd) == ["lr 0.001", "lr 0.0001", "optimizer SGD"]


def test_an_option_without_a_class_differs_from_one_with_a_class() -> None:
    scheduled = {"lr_scheduler.class_path": "mine.Cosine", "lr_scheduler.init_args.T_0": "3"}
    assert labels({"lr_scheduler": "None"}, scheduled) == ["no lr_scheduler", "lr_scheduler Cosine"]


def test_an_option_that_an_earlier_version_lacks_is_compared_between_those_that_have_it() -> None:
    assert settings_of([{LR: "1"}, {LR: "1", "data.new": "2"}]) == [(), ()]
    old, two, three = settings_of([{LR: "1"}, {LR: "1", "data.new": "2"}, {"data.new": "3"}])
    assert len({old, two, three}) == 3


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([{LR: "0.001"}], [""]),
        ([{LR: "0.001"}, {LR: "0.0005"}], ["lr 0.001", "lr 0.0005"]),
        ([{FLIP: "False"}, {FLIP: "True"}], ["no flip", "flip"]),
        (
            [{FLIP: "False", LR: "1"}, {FLIP: "False", LR: "2"}, {FLIP: "True", LR: "2"}],
            ["lr 1", "lr 2", "lr 2, flip"],
        ),
        # The rate and the widths change together: one of them tells the rows apart.
        (
            [{WIDTHS: "[8, 16]", LR: "1"}, {WIDTHS: "[16, 32]", LR: "2"}],
            ["lr 1", "lr 2"],
        ),
        # An earlier version without the switch must not read as if it were off.
        (
            [{LR: "1"}, {LR: "1", FLIP: "False"}, {LR: "1", FLIP: "True"}, {LR: "2"}],
            ["lr 1", "lr 1, no flip", "lr 1, flip", "lr 2"],
        ),
        ([{LOSS: "mine.Dice"}, {LOSS: "a.b.Focal"}], ["loss Dice", "loss Focal"]),
        ([{LOSS: "mine.Dice"}, {LOSS: "a.Dice"}], ["loss mine.Dice", "loss a.Dice"]),
        (
            [{"weights": "None"}, {"weights": "/a/unet/7/checkpoints/best.ckpt"}],
            ["no weights", "weights unet/7"],
        ),
        (
            [{"acceleration.compile": value} for value in ("False", "None", "reduce-overhead")],
            ["compile False", "compile None", "compile reduce-overhead"],
        ),
        (
            [
                {"optimizer.init_args.eps": "1", "model.loss.init_args.eps": "1"},
                {"optimizer.init_args.eps": "1", "model.loss.init_args.eps": "2"},
                {"optimizer.init_args.eps": "2", "model.loss.init_args.eps": "2"},
            ],
            ["optimizer.eps 1, loss.eps 1", "optimizer.eps 1, loss.eps 2",
             "optimizer.eps 2, loss.eps 2"],
        ),
    ],
)  # fmt: skip
def test_labels_are_short_and_tell_rows_apart(
    runs: list[dict[str, str]], expected: list[str]
) -> None:
    assert labels(*runs) == expected


def test_a_grid_of_many_settings_has_a_label_for_each() -> None:
    grid = [
        {LR: lr, FLIP: flip, WIDTHS: widths, "trainer.max_epochs": "9"}
        for lr in ("1e-05", "0.001", "0.01")
        for flip in ("True", "False")
        for widths in ("[8, 16]", "[16, 32]")
    ]
    assert len(set(labels(*grid))) == len(grid)


def test_numbers_are_in_the_order_of_numbers() -> None:
    def rate(value: str) -> Settings:
        return ((LR, value),)

    values = ["0.01", "1e-05", "None", "0.002", "auto"]
    ordered = sorted(map(rate, values), key=settings_order)
    assert [of_run[0][1] for of_run in ordered] == ["1e-05", "0.002", "0.01", "None", "auto"]
