"""The sensor: where its beams point, what they lose, how bright a return is."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from perception_label.arrays import Floats, Mask
from perception_label.errors import SettingError
from perception_label.simulate.settings import LidarSettings
from perception_label.simulate.shapes.mesh import REFLECTIVITY, Material


def beam_elevations_rad(n_beams: int) -> Floats:
    """Return the elevation of each ring, lowest first, (n_beams,) radians.

    Tables in the manner of common sensors: the beams crowd around the horizon.

    Raises
    ------
    SettingError
        If there is no table for this many beams.
    """
    knots = {
        32: ([0, 6, 24, 31], [-25.0, -8.8, 1.0, 12.0]),
        64: ([0, 10, 50, 59, 63], [-25.0, -10.5, 1.0, 6.0, 12.0]),
        128: ([0, 22, 100, 118, 127], [-25.0, -8.0, 2.0, 8.0, 15.0]),
    }
    if n_beams not in knots:
        raise SettingError(f"n_beams: expected one of {sorted(knots)}, got {n_beams}")
    ring, degrees = knots[n_beams]
    return np.deg2rad(np.interp(np.arange(n_beams), ring, degrees))


@dataclass(frozen=True, slots=True)
class Beams:
    """The rays of one turn in the sensor frame, C columns by R rings.

    Attributes
    ----------
    directions : (C, R, 3) float64
        Unit vectors.
    offset_s : (C,) float64
        When each column is fired, seconds from the sweep's timestamp. The head turns clockwise
        and starts behind the vehicle, so straight ahead is seen at the timestamp itself.
    """

    directions: Floats
    offset_s: Floats


def beams(settings: LidarSettings, rate_hz: float) -> Beams:
    """Return the rays of one turn."""
    columns = max(8, round(2 * np.pi / settings.azimuth_step_rad))
    share = (np.arange(columns) + 0.5) / columns
    azimuth = np.pi - 2 * np.pi * share
    elevation = beam_elevations_rad(settings.n_beams)
    flat = np.cos(elevation)
    directions = np.stack(
        [
            np.cos(azimuth)[:, None] * flat,
            np.sin(azimuth)[:, None] * flat,
            np.broadcast_to(np.sin(elevation), (columns, len(elevation))),
        ],
        axis=-1,
    )
    return Beams(directions, (share - 0.5) / rate_hz)


def returned_power(
    range_m: Floats, cosine: Floats, reflectivity: Floats, settings: LidarSettings
) -> Floats:
    """Return the power of each echo relative to the threshold, (N,).

    Falls with the square of the range and with the angle of incidence; rough surfaces send a
    quarter back whatever the angle.
    """
    facing = 0.25 + 0.75 * np.abs(cosine)
    power: Floats = (reflectivity / 0.1) * facing * (settings.reach_m / range_m) ** 2
    return power


def kept(power: Floats, settings: LidarSettings, random: Generator) -> Mask:
    """Return which echoes the sensor reports, (N,): half of those at the threshold."""
    chance = power**4 / (1 + power**4)
    return np.asarray(random.random(len(power)) < (1 - settings.drop_share) * chance)


def intensity(cosine: Floats, reflectivity: Floats, random: Generator) -> NDArray[np.float32]:
    """Return what the sensor reports as reflectivity, 0 to 255, (N,) float32 of whole numbers."""
    value = 130 * reflectivity * (0.35 + 0.65 * np.abs(cosine))
    noisy = value * (1 + 0.08 * random.standard_normal(len(value)))
    return np.clip(np.rint(noisy), 0, 255).astype(np.float32)


def surface_reflectivity(materials: NDArray[np.uint8], instances: NDArray[np.int32]) -> Floats:
    """Return the share of light given back, (N,): by material, and by each object's own paint."""
    base = REFLECTIVITY[materials]
    # A cheap hash: the paint of object k is the same in every sweep.
    shade = ((instances.astype(np.int64) * 2654435761) % 1000) / 1000.0
    painted = (instances > 0) & np.isin(materials, [Material.BODY, Material.CLOTH, Material.WALL])
    out: Floats = np.where(painted, base * (0.25 + 1.5 * shade), base)
    return out
