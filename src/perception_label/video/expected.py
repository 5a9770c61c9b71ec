"""How well a box that was worked out fits what a person would draw: its expected IoU.

The belief alone is not enough: it knows where its template fits, not whether that is the object,
and people's boxes stray as well. So the error, the negative logarithm of the IoU, is taken as a
product of powers of what is known. The powers were fitted, by least squares of the IoU, on
half of the people in a fixed camera's video, half of a simulated moving camera's tracks and cars
of a real one; `benchmarks/video/reliability.py` shows how they hold on the others.
"""

import numpy as np

from perception_label.arrays import Floats

LEAST_OVERLAP = 0.02
LEAST_GROWTH = 0.05  # of the logarithm of sizes: people draw no more exactly
LEAST_WAY = 0.1  # of the box
LEAST_SPEED = 0.01
# Powers of e (constant), overlap, images to the keyframe, unlikeness in e, growth, speed or way.
BETWEEN = (-1.78, -3.23, 0.26, 1.43, 0.43, 0.29)
BEYOND = (-3.81, -2.54, 0.42, 2.78, -0.27, 0.10)


def expected_between(
    overlap: Floats, apart: Floats, likeness: Floats, growth: float, speed: float
) -> Floats:
    """Return the IoU to expect of boxes between two keyframes, (n,).

    Parameters
    ----------
    overlap : (n,) float64
        With the belief, see `beliefs.mean_overlap`.
    apart : (n,) float64
        Images to the nearer keyframe.
    likeness : (n,) float64
        With the keyframe that it looks more like, at most 1.
    growth : float
        Logarithm of the ratio of the keyframes' widths, or heights, whichever grew more.
    speed : float
        How far it moves from one keyframe to the other, in box sizes, by images.
    """
    return _expected(BETWEEN, overlap, apart, likeness, growth, speed + LEAST_SPEED)


def expected_beyond(
    overlap: Floats, apart: float, likeness: float, growth: float, way: float
) -> Floats:
    """Return the IoU to expect of a box before or after all keyframes, of the shape of `overlap`.

    A template that neither grows nor moves may have been left behind on the background.

    Parameters
    ----------
    overlap : float64 array
        With the belief.
    apart : float
        Images since the keyframe.
    likeness : float
        With the keyframe.
    growth : float
        Logarithm of the ratio of its size to the keyframe's.
    way : float
        How far it moved since, in box sizes.
    """
    return _expected(BEYOND, overlap, apart, likeness, growth, way + LEAST_WAY)


def _expected(
    powers: tuple[float, ...],
    overlap: Floats,
    apart: Floats | float,
    likeness: Floats | float,
    growth: float,
    motion: float,
) -> Floats:
    constant, a, b, c, d, e = powers
    error = (
        constant
        + a * np.log(np.clip(overlap, LEAST_OVERLAP, 1.0))
        + b * np.log1p(apart)
        + c * (1.0 - np.asarray(likeness, dtype=np.float64))
        + d * np.log(abs(growth) + LEAST_GROWTH)
        + e * np.log(motion)
    )
    return np.asarray(np.exp(-np.exp(np.clip(error, -8.0, 2.0))))
