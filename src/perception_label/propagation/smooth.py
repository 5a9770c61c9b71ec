"""All measurements of a track at once: the likeliest path under a motion model.

Fixed-interval smoothing (Rauch, Tung and Striebel 1965) of a constant-velocity model with white
acceleration; measurements far off lose weight (Geman and McClure 1987, iterated). What a keyframe
says is exact.
"""

import numpy as np

from perception_label._core import chain
from perception_label.arrays import Floats, Ints

EXACT = 1e9  # weight of a keyframe, against any motion
_SPEED_MPS = 15.0  # spread of speeds, before anything was seen
_DOUBT = 6.0  # squared deviation beyond which a measurement soon has no weight (Geman-McClure)
_SOUND = 2.0  # ... and up to which it keeps all of it


def _links(dt: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Return transitions and inverse noise of constant-velocity states.

    dt (S - 1,) seconds; noise (S - 1, n, n) inverse densities of acceleration on n axes; both
    results are (S - 1, 2n, 2n), places first, then speeds.
    """
    n = noise.shape[1]
    step = np.repeat(np.eye(2 * n)[None], len(dt), axis=0)
    step[:, :n, n:] = np.eye(n) * dt[:, None, None]
    # The inverse of [[dt^3/3, dt^2/2], [dt^2/2, dt]], axis by axis.
    inverse = np.empty_like(step)
    inverse[:, :n, :n] = noise * (12 / dt**3)[:, None, None]
    inverse[:, :n, n:] = inverse[:, n:, :n] = noise * (-6 / dt**2)[:, None, None]
    inverse[:, n:, n:] = noise * (4 / dt)[:, None, None]
    return step, inverse


def _turn(step: Floats, dt: Floats, angle_rad: Floats) -> None:
    """Turn the speeds of planar transitions (S - 1, 4, 4), and half as far on the way."""
    for rows, angle, scale in ((slice(0, 2), angle_rad / 2, dt), (slice(2, 4), angle_rad, 1.0)):
        c, s = np.cos(angle), np.sin(angle)
        turned = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], axis=1)
        step[:, rows, 2:] = turned * np.broadcast_to(scale, len(dt))[:, None, None]


def _blocks(step: Floats, inverse: Floats) -> tuple[Floats, Floats]:
    """Return what the motion says: the blocks on the diagonal, (S, d, d), and beside it."""
    weighted = np.swapaxes(step, 1, 2) @ inverse
    diagonal = np.zeros((len(step) + 1, *step.shape[1:]))
    diagonal[:-1] = weighted @ step
    diagonal[1:] += inverse
    return diagonal, -np.ascontiguousarray(weighted)


def _solve(diagonal: Floats, beside: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return states and covariances; diagonal and right are used up."""
    states, covariances = np.empty_like(right), np.empty_like(diagonal)
    chain.solve_chain(diagonal, beside, right, states, covariances)
    return states, covariances


def smooth_places(
    seconds: Floats,
    xy_m: Floats,
    weights: Floats,
    yaw_rad: Floats,
    at: Ints,
    keyed_m: Floats,
    *,
    ahead: float,
    sideways: float,
    slip_mps: float,
    rounds: int = 3,
) -> tuple[Floats, Floats, Floats]:
    """Return the likeliest places and speeds.

    Parameters
    ----------
    seconds : (S,) float64
        Times.
    xy_m, weights : (S, 2), (S, 2, 2) float64
        Measurements and their information, zero where there is none.
    yaw_rad : (S,) float64
        Headings: acceleration differs along and across them, speed across them is about zero.
    at, keyed_m : (K,) int64, (K, 2) float64
        Sweeps where the place is known exactly.
    ahead, sideways, slip_mps : float
        As in `Motion`.
    rounds : int
        How often measurements are weighed anew.

    Returns
    -------
    (S, 4), (S, 4, 4), (S,) float64
        x, y and their speeds; their covariances; the share of weight that each measurement kept.
    """
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    axes = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], axis=1)
    still = axes[:-1] * np.array([1 / ahead, 1 / sideways])
    step, inverse = _links(np.diff(seconds), still @ np.swapaxes(axes[:-1], 1, 2))
    if np.isfinite(slip_mps):
        # In a bend the speed turns with the heading: that takes no push across it.
        _turn(step, np.diff(seconds), np.diff(np.unwrap(yaw_rad)))
    across = axes[:, :, 1]
    slow = np.eye(2) / _SPEED_MPS**2 + across[:, :, None] * across[:, None] / slip_mps**2
    known, beside = _blocks(step, inverse)
    known[:, 2:, 2:] += slow
    known[at, :2, :2] += EXACT * np.eye(2)
    weighed = np.einsum("sij,sj->si", weights, xy_m)
    kept = np.ones(len(seconds))
    for _ in range(rounds):
        diagonal, right = known.copy(), np.zeros((len(seconds), 4))
        diagonal[:, :2, :2] += weights * kept[:, None, None]
        right[:, :2] = weighed * kept[:, None]
        right[at, :2] += EXACT * keyed_m
        states, covariances = _solve(diagonal, beside, right)
        off = xy_m - states[:, :2]
        kept = _trust(np.einsum("si,sij,sj->s", off, weights, off))
    return states, covariances, kept


def smooth_values(
    seconds: Floats,
    values: Floats,
    weights: Floats,
    at: Ints,
    keyed: Floats,
    *,
    density: float,
    rate: float,
    rounds: int = 2,
) -> tuple[Floats, Floats]:
    """Return the likeliest values of one quantity and their variances, both (S,).

    As `smooth_places`: values, weights (S,), a weight of zero says nothing; `density` of its white
    acceleration; `rate` spread of its speed.
    """
    noise = np.full((len(seconds) - 1, 1, 1), 1 / density)
    step, inverse = _links(np.diff(seconds), noise)
    moved, beside = _blocks(step, inverse)
    moved[:, 1, 1] += 1 / rate**2
    moved[at, 0, 0] += EXACT
    kept = np.ones(len(seconds))
    known = np.where(weights > 0, values, 0.0)
    for _ in range(rounds):
        diagonal, right = moved.copy(), np.zeros((len(seconds), 2))
        diagonal[:, 0, 0] += weights * kept
        right[:, 0] = weights * kept * known
        right[at, 0] += EXACT * keyed
        states, covariances = _solve(diagonal, beside, right)
        kept = _trust((known - states[:, 0]) ** 2 * weights)
    return states[:, 0], covariances[:, 0, 0]


def _trust(squared: Floats) -> Floats:
    """Return the weight that a measurement keeps, by its squared deviation."""
    return np.where(squared > _SOUND, (1 + (squared - _SOUND) / _DOUBT) ** -2.0, 1.0)
