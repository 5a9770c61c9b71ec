"""Daylight: the sun, its shadows, the sky, haze, and what a sensor makes of it."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from perception_label.simulate.camera.texture import Noise, Singles
from perception_label.simulate.town import stream

_SUN = np.array([1.9, 1.78, 1.55], np.float32)
_SKYLIGHT = np.array([0.62, 0.72, 0.88], np.float32)
_BOUNCE = np.array([0.30, 0.28, 0.25], np.float32)  # light from the ground, from below
_ZENITH = np.array([0.16, 0.32, 0.62], np.float32)
_HORIZON = np.array([0.66, 0.74, 0.82], np.float32)
_HAZE_M = 420.0  # where haze hides two thirds
_STEPS = 4096
# Linear light to the grey levels of an image (sRGB's curve, to half a level).
_CURVE = (255 * np.linspace(0, 1, _STEPS) ** (1 / 2.2)).astype(np.float32)


class Daylight:
    """The light of one log: where the sun stands, which clouds there are."""

    def __init__(self, seed: int) -> None:
        random = stream(seed, 22)
        azimuth = float(random.uniform(0, 2 * np.pi))
        elevation = float(random.uniform(0.6, 1.0))
        flat = np.cos(elevation)
        self.towards_sun = np.array(
            [np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)]
        )
        self._clouds = Noise(seed, 1)

    def sky(self, rays: Singles) -> Singles:
        """Return what rays (N, 3) of the world frame that meet nothing see, (N, 3)."""
        up = rays[:, 2]
        out = _HORIZON + np.clip(up * 2.2, 0, 1)[:, None] * (_ZENITH - _HORIZON)
        # Clouds lie on a ceiling; low ones are far and drawn together.
        scale = 26 / np.maximum(up + 0.12, 0.05)
        wide = scale / 40
        puff = self._clouds.at(rays[:, 0] * scale, rays[:, 1] * scale, wide)
        cover = np.clip(1.6 * puff - 0.1, 0, 1) * np.clip(up * 6, 0, 1)
        out = out + cover[:, None] * (np.float32(0.86) - out)
        # A line of far roofs and woods closes the streets.
        azimuth = np.arctan2(rays[:, 1], rays[:, 0]).astype(np.float32)
        ridge = self._clouds.at(azimuth * 90, np.full_like(azimuth, 7.5), np.full_like(azimuth, 2))
        town = up < 0.022 + 0.016 * ridge
        shade = 0.20 + 0.05 * self._clouds.at(azimuth * 700, up * 700, np.full_like(up, 1))
        far = shade[:, None] * np.array([0.9, 1.05, 1.15], np.float32)
        return np.where(town[:, None], 0.55 * _HORIZON + 0.45 * far, out).astype(np.float32)

    def lit(
        self,
        albedo: Singles,
        normals: Singles,
        shadow: NDArray[np.bool_],
        distance_m: Singles,
        soft: NDArray[np.bool_],
    ) -> Singles:
        """Return the light that N surfaces send to the eye, (N, 3).

        Parameters
        ----------
        albedo : (N, 3) float32
            Share of light given back.
        normals : (N, 3) float32
            World frame.
        shadow : (N,) bool
            Whether something keeps the sun away.
        distance_m : (N,) float32
            From the eye.
        soft : (N,) bool
            Leaves: light comes through them.
        """
        facing = normals @ self.towards_sun.astype(np.float32)
        facing = np.where(soft, 0.35 + 0.35 * np.abs(facing), np.maximum(facing, 0))
        sun = np.where(shadow, np.float32(0), facing)[:, None] * _SUN
        above = (0.5 + 0.5 * normals[:, 2])[:, None]
        light = sun + above * _SKYLIGHT + (1 - above) * _BOUNCE
        clear = np.exp(-distance_m / _HAZE_M)[:, None]
        out: Singles = albedo * light * clear + (1 - clear) * _HORIZON
        return out


def exposed(light: Singles, gain: float) -> Singles:
    """Return light (…, 3) as grey levels 0 to 255, float32, before noise."""
    # The bright end is bent, not cut.
    scaled = light * np.float32(gain)
    bent = scaled / (1 + 0.22 * scaled)
    return np.asarray(_CURVE[np.clip(bent * (_STEPS - 1), 0, _STEPS - 1).astype(np.int32)])


def sensed(levels: Singles, noise: float, random: Generator) -> NDArray[np.uint8]:
    """Return the picture that a sensor with noise makes of grey levels."""
    if noise > 0:
        levels = levels + np.float32(noise) * random.standard_normal(levels.shape, np.float32)
    return np.asarray(np.clip(levels + np.float32(0.5), 0, 255).astype(np.uint8))
