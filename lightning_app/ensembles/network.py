"""The network of a predictor: those of its runs, joined."""

from collections.abc import Sequence

from torch import nn

from lightning_app.ensembles.predictor import Predictor
from lightning_app.ensembles.saved_task import build_task
from lightning_app.runs.weights import load_weights
from lightning_app.task import SegmentationTask
from models import Ensemble, Mirrored


def joined_network(predictor: Predictor, task: SegmentationTask, trust: Sequence[str]) -> nn.Module:
    """The mean probability of the runs' best weights, as a network.

    Args:
        predictor: the runs.
        task: that of the first run; its network gets the weights.
        trust: modules and classes that the other runs may name.

    Raises:
        UsageError: a run or its weights are damaged, or its classes are not trusted.
    """
    first, *others = predictor.runs
    networks = [task.network, *(build_task(run, trust).network for run in others)]
    for network, run in zip(networks, (first, *others), strict=True):
        load_weights(network, run.best)
    return join(networks, exclusive=task.target.exclusive, is_mirrored=predictor.is_mirrored)


def join(networks: Sequence[nn.Module], *, exclusive: bool, is_mirrored: bool) -> nn.Module:
    """The mean probability of networks, also over mirror images if wanted, as a network."""
    if is_mirrored:
        networks = [Mirrored(network, exclusive=exclusive) for network in networks]
    return Ensemble(networks, exclusive=exclusive) if networks[1:] else networks[0]
