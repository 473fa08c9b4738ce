"""The sulci of one hemisphere: sheets that hang from curves on a sphere.

The curves are drawn on Lambert's equal-area map of all directions, centred on the lateral pole;
zero lines of band-pass noise meander as sulci do. A sheet follows its curve down to a depth that
varies along it.
"""

import numpy as np
from scipy import fft, ndimage

from data_modules.phantom.anatomy.geometry import Array, Floats, Mask, Points

_SIZE = 320  # pixels per row and column
_RADIUS = 60.0  # mm, of the sphere that the map stands for
_PIXEL = 4 * _RADIUS / _SIZE  # mm; the map of a whole sphere is a disc of twice its radius
# Sulci that every brain has, as (front, up) in mm on the map.
_SYLVIAN = ((38, -22), (22, -10), (0, -3), (-22, 4), (-36, 14))
_CENTRAL = ((4, 6), (0, 22), (-8, 42), (-14, 66))


class SulcalMap:
    """Distance to the nearest sulcus and the depth of it, for every direction of one hemisphere."""

    def __init__(self, rng: np.random.Generator, wavelength: float) -> None:
        noise = _band_pass(rng, wavelength) + 0.3 * _band_pass(rng, wavelength * 0.66)
        curves = _zero_lines(noise)
        sylvian = _line(_jittered(rng, _SYLVIAN))
        curves |= sylvian | _line(_jittered(rng, _CENTRAL))
        distance = ndimage.distance_transform_edt(~curves) * _PIXEL
        self.distance = ndimage.gaussian_filter(distance, 0.8).astype(np.float32)
        near_sylvian = np.exp(-((ndimage.distance_transform_edt(~sylvian) * _PIXEL / 6) ** 2))
        depth = np.clip(17.5 + 6.5 * _band_pass(rng, 36), 6, 27)
        self.depth = (depth + (26 - depth) * near_sylvian).astype(np.float32)

    def look_up(self, half: Points) -> tuple[Array, Array]:
        """Distance to the nearest sulcal sheet and that sheet's depth, both (n,) in mm.

        ``half`` has its x mirrored to the right hemisphere and is relative to the map's centre.
        """
        radius = np.sqrt(half.x**2 + half.y**2 + half.z**2) + np.float32(1e-3)
        # Lambert: r = sqrt(2 (1 - cos c)), c the angle from the lateral pole.
        scale = np.sqrt(2 / (1 + np.clip(half.x / radius, -0.999, 1)))
        to_pixel = scale * np.float32(_RADIUS / _PIXEL) / radius
        where = np.stack([half.y * to_pixel, half.z * to_pixel]) + np.float32(_SIZE / 2)
        distance, depth = (
            ndimage.map_coordinates(m, where, order=1, mode="nearest")
            for m in (self.distance, self.depth)
        )
        return distance * radius / np.float32(_RADIUS), depth


def _band_pass(rng: np.random.Generator, wavelength: float) -> Floats:
    """Noise of unit deviation that has only waves of about this length (mm)."""
    frequency = fft.fftfreq(_SIZE, _PIXEL)
    radius = np.hypot(frequency[:, None], frequency[None, : _SIZE // 2 + 1])
    band = np.exp(-0.5 * ((radius * wavelength - 1) / 0.16) ** 2)
    noise = fft.irfft2(fft.rfft2(rng.standard_normal((_SIZE, _SIZE))) * band, s=(_SIZE, _SIZE))
    return np.asarray(noise / noise.std())


def _zero_lines(noise: Floats) -> Mask:
    positive = noise > 0
    changes: Mask = positive != np.roll(positive, 1, axis=0)
    changes |= positive != np.roll(positive, 1, axis=1)
    return changes


def _jittered(rng: np.random.Generator, corners: tuple[tuple[int, int], ...]) -> Floats:
    return np.asarray(corners) + rng.normal(0, 3, (len(corners), 2))


def _line(corners: Floats) -> Mask:
    """Pixels of a curve through ``corners`` (points, 2) in mm."""
    step = np.linspace(0, len(corners) - 1, 400)
    mask = np.zeros((_SIZE, _SIZE), dtype=bool)
    pixels = [
        np.interp(step, np.arange(len(corners)), corners[:, i]) / _PIXEL + _SIZE / 2 for i in (0, 1)
    ]
    mask[tuple(p.round().astype(np.intp) for p in pixels)] = True
    return mask
