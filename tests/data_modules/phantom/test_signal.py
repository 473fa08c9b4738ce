from math import exp, log

import pytest

from data_modules.phantom.anatomy.tissue import RELAXIVITY, TISSUES, Relaxation
from data_modules.phantom.signal import (
    inversion_recovery,
    nulling_time,
    spin_echo,
    with_gadolinium,
)


def test_spin_echo_by_hand() -> None:
    tissue = Relaxation(t1=500 / log(2), t2=100 / log(4), density=0.8)

    # TR 500 recovers a half, TE 100 leaves a quarter.
    assert spin_echo(tissue, 500, 100) == pytest.approx(0.8 * 0.5 * 0.25)


def test_inversion_recovery_by_hand() -> None:
    tissue = Relaxation(t1=1000, t2=100, density=1.0)

    signal = inversion_recovery(tissue, 9000, 100, 1000)

    assert signal == pytest.approx((1 - 2 * exp(-1) + exp(-9)) * exp(-1))


def test_nulling_time_of_a_long_repetition_is_t1_ln_2() -> None:
    assert nulling_time(1000, 1e6) == pytest.approx(1000 * log(2))


def test_flair_nulls_csf_and_leaves_oedema_brighter_than_grey_and_white_matter() -> None:
    times = (9000, 130, nulling_time(TISSUES["csf"].at_3t.t1, 9000))
    flair = {name: inversion_recovery(t.at_3t, *times) for name, t in TISSUES.items()}

    assert flair["csf"] == pytest.approx(0, abs=1e-12)
    assert flair["oedema"] > 1.5 * flair["grey"] > 1.5 * flair["white"]
    assert flair["lacune"] < 1.1 * flair["grey"]


def test_oedema_lies_between_grey_matter_and_csf_on_t2_and_near_grey_matter_on_t1() -> None:
    t2 = {name: spin_echo(t.at_3t, 5000, 102) for name, t in TISSUES.items()}
    t1 = {name: spin_echo(t.at_3t, 600, 12) for name, t in TISSUES.items()}

    assert t2["white"] < t2["grey"] < t2["oedema"] < t2["csf"]
    assert t2["oedema"] == pytest.approx(t2["lacune"], rel=0.1)
    assert t1["grey"] < t1["oedema"] < t1["white"]


def test_gadolinium_shortens_t1_and_brightens() -> None:
    before = Relaxation(t1=1000, t2=100, density=1.0)

    after = with_gadolinium(before, 0.5, 4.0)  # 1 / s + 2 / s

    assert after.t1 == pytest.approx(1000 / 3)
    assert after[1:] == before[1:]
    assert spin_echo(after, 600, 12) > 1.5 * spin_echo(before, 600, 12)
    assert with_gadolinium(before, 0.0, RELAXIVITY) == before
