"""One scan: protocol, contrast of every tissue, and the imperfections of a scanner."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from data_modules.phantom.anatomy import tissue as t
from data_modules.phantom.anatomy.brain import Mixture
from data_modules.phantom.anatomy.fields import RandomField
from data_modules.phantom.anatomy.geometry import Array
from data_modules.phantom.anatomy.head import Section
from data_modules.phantom.signal import inversion_recovery, nulling_time, spin_echo, with_gadolinium

MODALITIES = ("t1n", "t1c", "t2w", "t2f")
# The intensity scale of scanners: counts in white matter, log-normal within these bounds.
_COUNTS = (80.0, 2000.0)
_BLUR = {"t1n": 0.5, "t1c": 0.5, "t2w": 0.55, "t2f": 0.95}  # pixels
_NOISE = {"t1n": 0.025, "t1c": 0.025, "t2w": 0.035, "t2f": 0.035}  # share of white matter
_TEXTURE = 0.025
_BIAS = 0.09


class Protocol(NamedTuple):
    """Times of a sequence in ms; ``inversion`` is 0 for a plain spin echo."""

    repetition: float
    echo: float
    inversion: float


class Channel:
    """One modality of one scan."""

    def __init__(
        self, rng: np.random.Generator, modality: str, tissues: dict[str, t.Relaxation], rim: float
    ) -> None:
        self.protocol = _draw_protocol(rng, modality, tissues["csf"].t1)
        self.signals = _tissue_signals(tissues, modality, self.protocol, rim)
        counts = np.exp(np.clip(rng.normal(6.0, 0.8), *np.log(_COUNTS)))
        white = float(self.signals[t.TISSUE_INDEX["white"]])
        self.scale = counts / white
        self.noise = white * _NOISE[modality] * np.exp(rng.uniform(-0.6, 0.6))
        self.blur = _BLUR[modality] * rng.uniform(0.75, 1.25)
        self.bias = RandomField(rng, 70)
        self.textures = [RandomField(rng, spacing) for spacing in (3.6, 7, 22)]

    def image(
        self, mixture: Mixture, section: Section, rng: np.random.Generator
    ) -> NDArray[np.int16]:
        """The slice as scanned, (1, y, x) int16; background 0, brain at least 1."""
        signal = np.einsum("t,tn->n", self.signals, mixture.shares)
        texture = sum(section.sample(f) for f in self.textures)
        signal = signal * (1 + np.float32(_TEXTURE * 0.58) * texture * (1 - mixture["csf"]))
        signal *= np.exp(np.float32(_BIAS) * section.sample(self.bias))
        # Blur must not darken the brain's edge: the skull is stripped after the scan.
        plane = np.full(section.grid.shape, self.signals[t.TISSUE_INDEX["grey"]])
        plane[section.inside] = signal
        plane = ndimage.gaussian_filter(plane, (0, self.blur, self.blur))
        plane[section.inside] = self._noisy(plane[section.inside], rng)
        # Reconstruction and registration blur the noise a little, too.
        plane = ndimage.gaussian_filter(plane, (0, 0.45, 0.45)) * np.float32(self.scale)
        counts = np.clip(np.rint(plane), 1, np.iinfo(np.int16).max)
        return np.where(section.inside, counts, 0).astype(np.int16)

    def _noisy(self, signal: Array, rng: np.random.Generator) -> Array:
        """Add Rician noise: take the magnitude after Gaussian noise in both complex parts."""
        real, imaginary = rng.standard_normal((2, len(signal)), dtype=np.float32)
        noise = np.float32(self.noise)
        magnitude: Array = np.hypot(signal + noise * real, noise * imaginary)
        return magnitude


def draw_tissues(rng: np.random.Generator) -> dict[str, t.Relaxation]:
    """Draw a scanner's field strength, and the relaxation of every tissue at it."""
    field = rng.uniform(0, 0.8)
    return {
        name: t.Relaxation(
            *(
                (a * (1 - field) + b * field) * (1 + jitter * rng.normal())
                for a, b, jitter in zip(
                    tissue.at_3t, tissue.at_1p5t, t.RELAXATION_JITTER, strict=True
                )
            )
        )
        for name, tissue in t.TISSUES.items()
    }


def _draw_protocol(rng: np.random.Generator, modality: str, t1_of_csf: float) -> Protocol:
    repetition, echo = (
        mean + spread * rng.uniform(-1, 1) for mean, spread in t.REPETITION_ECHO_TIMES[modality]
    )
    error = 1 + t.INVERSION_ERROR * rng.uniform(-1, 1)
    inversion = nulling_time(t1_of_csf, repetition) * error if modality == "t2f" else 0.0
    return Protocol(repetition, echo, inversion)


def _tissue_signals(
    tissues: dict[str, t.Relaxation], modality: str, protocol: Protocol, rim: float
) -> Array:
    """Signal of every tissue, in the order of TISSUES; ``rim`` is gadolinium in mM."""
    doses = {
        "enhancing": rim,
        "blood": t.CONCENTRATION_BLOOD,
        "dura": t.CONCENTRATION_DURA,
    }
    signals = []
    for name, tissue in tissues.items():
        dose = doses.get(name, 0.0) if modality == "t1c" else 0.0
        present = with_gadolinium(tissue, dose, t.RELAXIVITY)
        if modality == "t2f":
            signal = inversion_recovery(present, *protocol)
        else:
            signal = spin_echo(present, protocol.repetition, protocol.echo)
        flow = t.FLOW_VOID if name == "blood" and modality in ("t2w", "t2f") else 1.0
        signals.append(signal * flow)
    return np.asarray(signals, dtype=np.float32)
