"""By how much a camera's clock is off, told by a motion that another sensor felt too."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, as_timestamps
from perception_label.errors import SettingError
from perception_label.video.images import Picture

MIN_MOVES = 20  # samples of a signal below which two of them agree by chance
# On a real log of 4 s a side camera's parallax correlated to 0.65 at an offset that was wrong.
MIN_CORRELATION = 0.7
MIN_SPANS = 10  # times the largest offset: with less, one turn agrees with any other
# The best offset must beat every other one that is not its own shoulder by this much.
MIN_LEAD = 0.05
GRID_HZ = 100.0


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much one clock is behind another, told by what both saw.

    `offset_ns` is to be added to the second signal's times. `correlation` is that of the two
    signals then; `is_sure` says whether it is high, and no other offset does nearly as well.
    """

    offset_ns: int
    correlation: float
    is_sure: bool


def clock_offset(
    timestamps_ns: Ints,
    signal: Floats,
    other_timestamps_ns: Ints,
    other_signal: Floats,
    *,
    max_offset_s: float = 1.0,
) -> Offset:
    """Estimate the constant offset between two clocks from a motion both sensors felt.

    Both signals (the ego path's turn rate and how fast the picture moves sideways, say) are laid
    on a common grid of `GRID_HZ`; the offset of the highest normalised cross-correlation is
    refined by a parabola through its neighbours.

    Parameters
    ----------
    timestamps_ns, signal : (n,) int64, (n,) float64
        The log's signal; unit and sign do not matter.
    other_timestamps_ns, other_signal : (m,) int64, (m,) float64
        The one whose clock may be off.
    max_offset_s : float
        Offsets looked at, both ways.

    Returns
    -------
    Offset
        `is_sure` False where either signal is short or still, or several offsets do as well.

    Raises
    ------
    SettingError
        If `max_offset_s` is not above 0.
    """
    if not max_offset_s > 0:
        raise SettingError(f"max_offset_s: expected above 0, got {max_offset_s}")
    times = [
        as_timestamps(timestamps_ns),
        as_timestamps(other_timestamps_ns, "other_timestamps_ns"),
    ]
    signals = [np.asarray(s, dtype=np.float64) for s in (signal, other_signal)]
    unsure = Offset(0, 0.0, False)
    if min(len(t) for t in times) < MIN_MOVES or min(np.ptp(s) for s in signals) == 0:
        return unsure
    start = max(int(t[0]) for t in times)
    n = int((min(int(t[-1]) for t in times) - start) / 1e9 * GRID_HZ)
    lags = np.arange(-int(max_offset_s * GRID_HZ), int(max_offset_s * GRID_HZ) + 1)
    if n < MIN_SPANS * max_offset_s * GRID_HZ:
        return unsure
    grid = start + (np.arange(n) * 1e9 / GRID_HZ).astype(np.int64)
    a, b = (np.interp(grid, t, s) for t, s in zip(times, signals, strict=True))
    edge = -lags[0]
    middle = a[edge : n - edge]
    scores = np.array([_correlation(middle, b[edge - k : n - edge - k]) for k in lags])
    sizes = np.abs(scores)
    best = int(sizes.argmax())
    shift = lags[best] + _vertex(sizes, best)
    is_sure = sizes[best] >= max(MIN_CORRELATION, _rival(sizes, best) + MIN_LEAD)
    return Offset(round(shift / GRID_HZ * 1e9), float(scores[best]), bool(is_sure))


def _vertex(values: Floats, best: int) -> float:
    """Return where a parabola through an extreme value and its neighbours has its own."""
    if not 0 < best < len(values) - 1:
        return 0.0
    before, at, after = values[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend else 0.0


def _rival(sizes: Floats, best: int) -> float:
    """Return the highest peak that is not the best one; at the edge there may be a higher."""
    if not 0 < best < len(sizes) - 1:
        return float("inf")
    peaks = np.flatnonzero((sizes[1:-1] >= sizes[:-2]) & (sizes[1:-1] >= sizes[2:])) + 1
    return max((float(sizes[k]) for k in peaks if abs(int(k) - best) > 1), default=0.0)


def sideways_motion(images: Iterable[Picture], width_px: int = 320) -> Floats:
    """Return how far each image moved sideways since the one before, px of its own, (n,).

    The brightness of each column, averaged over the middle of the height, is a profile; the
    shift of least squared difference between two profiles, refined by a parabola, is the
    motion. Parallax and things that move are outvoted where most of the picture is far away.
    The first is 0.
    """
    moved, before = [0.0], None
    for grey in images:
        height, width = grey.shape
        band = grey[height // 4 : 3 * height // 4].mean(axis=0, dtype=np.float64)
        profile = np.gradient(
            np.interp(np.linspace(0, width - 1, width_px), np.arange(width), band)
        )
        if before is not None:
            moved.append(_shift(before, profile) * width / width_px)
        before = profile
    return np.array(moved if before is not None else [])


def _shift(before: Floats, after: Floats) -> float:
    most = len(before) // 8
    costs = []
    for k in range(-most, most + 1):
        a = before[max(0, -k) : len(before) - max(0, k)]
        b = after[max(0, k) : len(after) - max(0, -k)]
        costs.append(float(np.mean((a - b) ** 2)))
    best = int(np.argmin(costs))
    return best - most + _vertex(np.array(costs), best)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0
