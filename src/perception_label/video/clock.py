"""Which image belongs to which sweep, by time; and how far two clocks disagree.

A rate typed by hand is never asked for: times come from the recorder or from the file's packets.
"""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Ints, Mask, as_timestamps
from perception_label.errors import ShapeError

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Pairs:
    """The image of each of S sweeps.

    Attributes
    ----------
    image : (S,) int64
        Its number, -1 = none is near enough.
    residual_ns : (S,) int64
        Image time less sweep time, after the offset; 0 where there is none.
    offset_ns : int
        What was added to the image times.
    """

    image: Ints
    residual_ns: Ints
    offset_ns: int

    @property
    def is_paired(self) -> Mask:
        """(S,) whether a sweep has an image."""
        return np.asarray(self.image != NOBODY)

    def summary(self) -> dict[str, float]:
        """Return the residual in numbers: how many, median and 95th percentile of its size, worst.

        `median_s` keeps its sign: it is what a constant offset would take away. `spread_s` is
        the median distance from it.
        """
        seconds = self.residual_ns[self.is_paired] / 1e9
        told = {
            "n_paired": float(len(seconds)),
            "n_unpaired": float(len(self.image) - len(seconds)),
        }
        if not len(seconds):
            return told
        median = float(np.median(seconds))
        return told | {
            "median_s": median,
            "spread_s": float(np.median(np.abs(seconds - median))),
            "p95_s": float(np.percentile(np.abs(seconds), 95)),
            "worst_s": float(np.abs(seconds).max()),
        }


def pair_images(
    sweep_timestamps_ns: Ints,
    image_timestamps_ns: Ints,
    *,
    offset_ns: int = 0,
    max_gap_ns: int | None = None,
) -> Pairs:
    """Return the image nearest in time to each sweep.

    Parameters
    ----------
    sweep_timestamps_ns : (S,) int64
        When each sweep was taken, in the log's clock.
    image_timestamps_ns : (n,) int64
        When each image was taken, in the same clock but for a constant offset; ascending, an
        image of a time another has already is never taken (the first is).
    offset_ns : int
        Added to the image times: exposure, transfer, a clock that started late.
    max_gap_ns : int, optional
        Farther ones are no pair. None takes half the usual step of the slower of the two:
        with a steady camera every sweep inside has one.

    Returns
    -------
    Pairs
        Of two images equally near, the earlier.

    Raises
    ------
    ShapeError
        If the image times go back: which image was meant nobody knows.

    Examples
    --------
    >>> pair_images([0, 100], [3, 55, 108], max_gap_ns=10).image.tolist()
    [0, 2]
    """
    sweeps = as_timestamps(sweep_timestamps_ns, "sweep_timestamps_ns")
    images = as_timestamps(image_timestamps_ns, "image_timestamps_ns") + int(offset_ns)
    steps = np.diff(images)
    if (steps < 0).any():
        at = int(np.flatnonzero(steps < 0)[0]) + 1
        raise ShapeError(
            f"image_timestamps_ns: expected ascending times, got image {at} "
            f"{-steps[at - 1] / 1e9:.3f} s before the one before it"
        )
    if max_gap_ns is None:
        usual = max(
            (float(np.median(np.diff(t))) for t in (images, sweeps) if len(t) > 1), default=0
        )
        max_gap_ns = int(usual / 2)
    image = np.full(len(sweeps), NOBODY, dtype=np.int64)
    residual = np.zeros(len(sweeps), dtype=np.int64)
    if not len(images):
        return Pairs(image, residual, offset_ns)
    right = np.searchsorted(images, sweeps).clip(0, len(images) - 1)
    left = np.searchsorted(images, images[np.maximum(right - 1, 0)])
    right = np.searchsorted(images, images[right])
    nearest = np.where(np.abs(images[left] - sweeps) <= np.abs(images[right] - sweeps), left, right)
    gap = images[nearest] - sweeps
    is_near = np.abs(gap) <= max_gap_ns
    image[is_near], residual[is_near] = nearest[is_near], gap[is_near]
    return Pairs(image, residual, offset_ns)


def clock_drift(timestamps_ns: Ints, presentation_ns: Ints) -> dict[str, float]:
    """Return how well two clocks of the same n images agree: rate and what is left.

    Parameters
    ----------
    timestamps_ns, presentation_ns : (n,) int64
        The recorder's times and the video's own.

    Returns
    -------
    dict
        `drift_ppm`, by how much the first runs faster; `residual_p95_s` and `residual_s`, the
        95th percentile and the worst distance from a common straight line. Zeros for n < 3.
    """
    first = as_timestamps(timestamps_ns).astype(np.float64)
    second = as_timestamps(presentation_ns, "presentation_ns").astype(np.float64)
    if len(first) != len(second):
        raise ShapeError(f"presentation_ns: expected {len(first)} times, got {len(second)}")
    if len(first) < 3 or np.ptp(second) == 0:
        return {"drift_ppm": 0.0, "residual_p95_s": 0.0, "residual_s": 0.0}
    x, y = (second - second[0]) / 1e9, (first - first[0]) / 1e9
    slope, level = np.polyfit(x, y, 1)
    left = np.abs(y - slope * x - level)
    return {
        "drift_ppm": (float(slope) - 1) * 1e6,
        "residual_p95_s": float(np.percentile(left, 95)),
        "residual_s": float(left.max()),
    }
