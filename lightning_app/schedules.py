"""Learning rate schedules."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts


class CosineAnnealing(CosineAnnealingWarmRestarts):
    """Cosine annealing, the paper's equation 4 (Loshchilov and Hutter 2017, equation 5).

    The rate in epoch T_cur of a cycle of T_i epochs is
    eta_min + (eta_max - eta_min) (1 + cos(pi T_cur / T_i)) / 2.

    Args:
        optimizer: its learning rate is eta_max.
        T_0: epochs of the first cycle. In a config null means one cycle over the whole training:
            the command line replaces it by trainer.max_epochs.
        T_mult: factor by which each cycle is longer than the one before.
        eta_min: the lowest rate.

    Raises:
        ValueError: T_0 is None or not positive.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int | None = None,  # noqa: N803 (torch's and the paper's name)
        T_mult: int = 1,  # noqa: N803
        eta_min: float = 0.0,
    ) -> None:
        if T_0 is None:
            raise ValueError("lr_scheduler.init_args.T_0 is null, expected a number of epochs")
        if T_0 < 1:
            raise ValueError(f"lr_scheduler.init_args.T_0 is {T_0}, expected 1 or more epochs")
        super().__init__(optimizer, T_0, T_mult, eta_min)
