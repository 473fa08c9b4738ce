"""Acceleration: the same results within rounding, and all changes undone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from callbacks.acceleration import Acceleration, Mode
from callbacks.network.fuse_batch_norm import fused


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.other = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.BatchNorm2d(4))
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.other(self.block(x)))
        return logits


class Task(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = Net()
        self.outputs: list[Tensor] = []
        self.norms: list[int] = []
        self.is_channels_last = False

    def training_step(self, batch: list[Tensor]) -> Tensor:
        self._inspect(batch)
        loss: Tensor = self.network(batch[0]).square().mean()
        return loss

    def test_step(self, batch: list[Tensor]) -> None:
        self._inspect(batch)
        self.outputs.append(self.network(batch[0]))

    def predict_step(self, batch: list[Tensor]) -> Tensor:
        self._inspect(batch)
        output: Tensor = self.network(batch[0])
        return output

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def _inspect(self, batch: list[Tensor]) -> None:
        weight = self.network.block[0].weight
        assert isinstance(weight, Tensor)
        self.is_channels_last = weight.is_contiguous(memory_format=torch.channels_last)
        self.norms.append(sum(isinstance(m, nn.BatchNorm2d) for m in self.network.modules()))


def loader() -> DataLoader[tuple[Tensor, ...]]:
    images = torch.randn(6, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    return DataLoader(TensorDataset(images), 2)


def trainer(path: Path, acceleration: Acceleration, epochs: int = 2) -> Trainer:
    return Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, default_root_dir=path,
        callbacks=[acceleration],
    )  # fmt: skip


def trained(path: Path, acceleration: Acceleration) -> tuple[Task, Path]:
    task = Task()
    run = trainer(path, acceleration)
    run.fit(task, loader())
    run.save_checkpoint(path / "end.ckpt")
    return task, path / "end.ckpt"


quietly = pytest.mark.filterwarnings(
    "ignore:.*num_workers", "ignore:.*does not have many workers", "ignore:The number of training"
)


@quietly
@pytest.mark.parametrize(
    "options", [{"channels_last": True}, {"fold_batch_norm": True}], ids=lambda o: next(iter(o))
)
def test_training_and_test_are_equal_within_rounding(
    options: dict[str, bool], tmp_path: Path
) -> None:
    plain, plain_file = trained(tmp_path / "plain", Acceleration())
    fast, fast_file = trained(tmp_path / "fast", Acceleration(**options))

    assert fast.is_channels_last == ("channels_last" in options)
    assert not plain.is_channels_last
    torch.testing.assert_close(fast.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-6)

    for acceleration in (Acceleration(), Acceleration(**options)):
        for file in (plain_file, fast_file):
            task = Task()
            trainer(tmp_path, acceleration).test(task, loader(), ckpt_path=file, verbose=False)
            plain.eval()
            expected = [plain.network(images) for (images,) in loader()]
            torch.testing.assert_close(task.outputs, expected, rtol=1e-4, atol=1e-5)
            assert set(task.state_dict()) == set(plain.state_dict())


class AdamTask(Task):
    def __init__(self) -> None:
        super().__init__()
        # The gradient of a bias that normalisation cancels is rounding, which Adam amplifies.
        self.network.block[0] = nn.Conv2d(2, 4, 3, padding=1, bias=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.01, fused=True)


@quietly
@pytest.mark.parametrize("before", [False, True])
def test_a_training_can_be_resumed_with_the_other_layout(before: bool, tmp_path: Path) -> None:
    run = trainer(tmp_path, Acceleration(channels_last=before))
    run.fit(AdamTask(), loader())
    run.save_checkpoint(tmp_path / "first.ckpt")

    def resumed(*, channels_last: bool) -> AdamTask:
        task = AdamTask()
        run = trainer(tmp_path, Acceleration(channels_last=channels_last), epochs=4)
        run.fit(task, loader(), ckpt_path=tmp_path / "first.ckpt", weights_only=True)
        assert task.is_channels_last == channels_last
        assert run.optimizers[0].state
        for weight, state in run.optimizers[0].state.items():
            assert state["exp_avg"].stride() == state["exp_avg_sq"].stride() == weight.stride()
        return task

    same, other = resumed(channels_last=before), resumed(channels_last=not before)
    torch.testing.assert_close(other.state_dict(), same.state_dict(), rtol=1e-4, atol=1e-6)


@quietly
def test_normalisation_is_fused_in_test_and_predict_only_and_restored(tmp_path: Path) -> None:
    acceleration = Acceleration(fold_batch_norm=True)
    task, _ = trained(tmp_path, acceleration)
    assert set(task.norms) == {2}
    before = dict(task.network.named_modules())
    for run in (
        lambda: trainer(tmp_path, acceleration).test(task, loader(), verbose=False),
        lambda: trainer(tmp_path, acceleration).predict(task, loader()),
    ):
        task.norms.clear()
        run()
        assert set(task.norms) == {1}  # the other follows a ReLU
        assert all(before[name] is module for name, module in task.network.named_modules())


@quietly
def test_an_exception_restores_the_network(tmp_path: Path) -> None:
    class Failing(Task):
        def test_step(self, batch: list[Tensor]) -> None:
            super().test_step(batch)
            raise RuntimeError("no")

    task = Failing()
    with pytest.raises(RuntimeError, match="no"):
        trainer(tmp_path, Acceleration(fold_batch_norm=True)).test(task, loader(), verbose=False)
    assert task.norms == [1]
    assert isinstance(task.network.block[1], nn.BatchNorm2d)


def test_modules_that_are_shared_or_not_called_in_order_are_not_fused() -> None:
    class Backwards(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            for part in reversed(self):
                x = part(x)
            return x

    conv = nn.Conv2d(2, 2, 1)
    networks = [
        Backwards(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)),
        nn.Sequential(conv, nn.BatchNorm2d(2), nn.Sequential(conv)),
        nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2, track_running_stats=False)),
    ]
    for network in networks:
        network.eval()
        before = list(network.modules())
        with fused(network):
            assert all(a is b for a, b in zip(before, network.modules(), strict=True))


class Compiler:
    """A fast backend, which records the modes and counts the calls of compiled graphs."""

    def __init__(self) -> None:
        self.modes: list[object] = []
        self.batches: list[int] = []  # of the graphs
        self.runs = 0

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., object]:
        self.batches += [
            len(x) for x in inputs if isinstance(x, Tensor) and x.shape[1:] == (2, 8, 8)
        ]

        def run(*inputs: Tensor) -> object:
            self.runs += 1
            return graph.forward(*inputs)

        return run


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    compiler, compile_function = Compiler(), torch.compile

    def compiled(function: Callable[..., object], *, mode: object, dynamic: bool) -> object:
        compiler.modes.append(mode)
        return compile_function(function, dynamic=dynamic, backend=compiler)

    torch.compiler.reset()  # the graphs of earlier tests count towards its limit
    monkeypatch.setattr(torch, "compile", compiled)
    return compiler


@quietly
@pytest.mark.parametrize("mode", [True, "reduce-overhead"])
def test_a_compiled_network_keeps_the_names_of_its_weights(
    mode: bool | Mode, compiler: Compiler, tmp_path: Path
) -> None:
    plain, _ = trained(tmp_path / "plain", Acceleration())
    task, file = trained(tmp_path / "compiled", Acceleration(compile=mode))
    assert compiler.modes == [None if mode is True else mode]
    torch.testing.assert_close(task.state_dict(), plain.state_dict())
    assert set(torch.load(file, weights_only=True)["state_dict"]) == set(plain.state_dict())


@quietly
def test_the_network_is_compiled_in_training_only(compiler: Compiler, tmp_path: Path) -> None:
    class Validating(Task):
        def validation_step(self, batch: list[Tensor]) -> None:
            self.network(batch[0])

    acceleration, task = Acceleration(compile=True), Validating()
    trainer(tmp_path, acceleration).fit(task, loader(), loader())
    assert len(compiler.modes) == 1
    assert compiler.runs == 2 + 2 * (3 + 3)  # sanity check; training and validation of two epochs

    trainer(tmp_path, acceleration).validate(task, loader(), verbose=False)
    trainer(tmp_path, acceleration).test(task, loader(), verbose=False)
    trainer(tmp_path, acceleration).predict(task, loader())
    task.network(torch.zeros(1, 2, 8, 8))
    assert len(compiler.modes) == 1
    assert compiler.runs == 14


class Batches(Task):
    """Trains and validates, and keeps its outputs."""

    def training_step(self, batch: list[Tensor]) -> Tensor:
        self.outputs.append(self.network(batch[0]))
        return self.outputs[-1].square().mean()

    def validation_step(self, batch: list[Tensor]) -> None:
        self.outputs.append(self.network(batch[0]))


@quietly
@pytest.mark.parametrize("slices", [7, 6], ids=["with a rest", "without"])
def test_there_is_one_graph_for_training_and_one_for_validation(
    slices: int, compiler: Compiler, tmp_path: Path
) -> None:
    images = TensorDataset(torch.randn(slices, 2, 8, 8, generator=torch.Generator().manual_seed(1)))
    loaders = DataLoader(images, 2), DataLoader(images, 3)
    plain, task = Batches(), Batches()
    for number, (acceleration, module) in enumerate(
        [(Acceleration(), plain), (Acceleration(compile=True), task)]
    ):
        run = trainer(tmp_path / str(number), acceleration, epochs=3)
        run.fit(module, *loaders)

    assert compiler.batches == [3, 2]  # the sanity check comes first
    assert compiler.runs == 2 + 3 * (3 + 2)  # no batch of one slice
    torch.testing.assert_close(task.outputs, plain.outputs)


@quietly
def test_a_training_that_starts_with_the_rest_of_an_epoch_compiles_the_whole_batches(
    compiler: Compiler, tmp_path: Path
) -> None:
    images = torch.randn(5, 2, 8, 8)
    batches: Any = [[images[:1]], [images[1:3]], [images[3:]]]
    trainer(tmp_path, Acceleration(compile=True)).fit(Task(), DataLoader(batches, batch_size=None))

    assert compiler.batches == [1, 2]
    assert compiler.runs == 1 + 2 + 2  # the rest is compiled once, and no more


@quietly
def test_a_last_batch_that_is_larger_than_the_others_is_not_the_usual_one(
    compiler: Compiler, tmp_path: Path
) -> None:
    images = torch.randn(7, 2, 8, 8)
    batches: Any = [[images[:2]], [images[2:4]], [images[4:]]]
    trainer(tmp_path, Acceleration(compile=True), epochs=3).fit(
        Task(), DataLoader(batches, batch_size=None)
    )
    assert compiler.batches == [2]
    assert compiler.runs == 3 * 2


@quietly
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("reduce-overhead", "default"),
        ("max-autotune", "max-autotune-no-cudagraphs"),
        ("default", "default"),
        (True, None),
    ],
)
def test_cuda_graphs_would_overwrite_accumulated_gradients(
    mode: bool | Mode, expected: str | None, compiler: Compiler, tmp_path: Path
) -> None:
    run = trainer(tmp_path, Acceleration(compile=mode))
    run.accumulate_grad_batches = 2
    run.fit(Task(), loader())
    assert compiler.modes == [expected]


@quietly
def test_an_exception_in_training_undoes_compiling(compiler: Compiler, tmp_path: Path) -> None:
    class Failing(Task):
        def on_train_batch_end(self, *_: object) -> None:
            raise RuntimeError("no")

    task = Failing()
    with pytest.raises(RuntimeError, match="no"):
        trainer(tmp_path, Acceleration(compile=True)).fit(task, loader())
    task.network(torch.zeros(1, 2, 8, 8))
    assert compiler.runs == 1


@quietly
def test_a_module_without_a_network_is_rejected(tmp_path: Path) -> None:
    class Bare(LightningModule):
        def test_step(self, batch: list[Tensor]) -> None:
            del batch

    trainer(tmp_path, Acceleration()).test(Bare(), loader(), verbose=False)
    with pytest.raises(TypeError, match=r"Bare has no nn\.Module named network"):
        trainer(tmp_path, Acceleration(channels_last=True)).test(Bare(), loader(), verbose=False)
