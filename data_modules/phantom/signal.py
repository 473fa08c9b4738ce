"""Signal equations of the spin echo sequences. Times in ms, signals relative to the equilibrium."""

from math import exp, log

from data_modules.phantom.anatomy.tissue import Relaxation


def spin_echo(tissue: Relaxation, repetition_time: float, echo_time: float) -> float:
    """T1- or T2-weighted signal PD (1 - exp(-TR / T1)) exp(-TE / T2)."""
    return tissue.density * (1 - exp(-repetition_time / tissue.t1)) * exp(-echo_time / tissue.t2)


def inversion_recovery(
    tissue: Relaxation, repetition_time: float, echo_time: float, inversion_time: float
) -> float:
    """Magnitude signal |PD (1 - 2 exp(-TI / T1) + exp(-TR / T1)) exp(-TE / T2)| of FLAIR."""
    recovered = 1 - 2 * exp(-inversion_time / tissue.t1) + exp(-repetition_time / tissue.t1)
    return abs(tissue.density * recovered * exp(-echo_time / tissue.t2))


def nulling_time(t1: float, repetition_time: float) -> float:
    """Inversion time at which a tissue of this T1 gives no signal: T1 (ln 2 - ln(1 + e^-TR/T1))."""
    return t1 * (log(2) - log(1 + exp(-repetition_time / t1)))


def with_gadolinium(tissue: Relaxation, concentration: float, relaxivity: float) -> Relaxation:
    """The tissue with ``concentration`` mM of contrast agent: 1 / T1 rises by r1 c, in 1 / s."""
    return tissue._replace(t1=1000 / (1000 / tissue.t1 + relaxivity * concentration))
