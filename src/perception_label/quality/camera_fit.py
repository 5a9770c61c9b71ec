"""How well outlines in the LiDAR's depth lie on edges of the pictures, and what would fit better.

The score of a calibration is the mean strength of picture edges at the projected outlines
(Levinson and Thrun, Automatic online calibration of cameras and lasers, 2013). Each kind of fault
moves the outlines in its own way: a shift all alike, a rotation more towards the picture's rim, a
late clock by depth and speed. The kind that fits best names the fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perception_label.arrays import Floats, Mask
from perception_label.geometry.cameras import Camera
from perception_label.geometry.projection import project_points

BLURS_PX = (6.0, 2.5, 1.2)  # of the edges, the coarsest first
AROUND_PX = 101  # an edge is strong compared with its surroundings
LEAST_STRENGTH = 2.0  # of the surroundings: flat walls have no edges, only noise
MOST = 4.0  # one strong edge is not worth several
GRAINS = 60.0  # steps of strength: a byte holds four times the surroundings
COARSE = 16  # pixels between those that tell the mean of a map
GRID_PX = np.arange(-42.0, 43.0, 6.0)  # shifts looked at first: a degree is 34 at most
RING_PX = 40.0
FAR = 0.002  # of the score, by which a shift is less likely for each pixel
MOST_LATE_S = 0.2  # later pictures belong to other sweeps
MOST_STEPS = 20

Begin = dict[tuple[float, ...], float]  # values to begin at, and how likely they are


@dataclass(frozen=True, slots=True)
class View:
    """One picture and the outlines before its camera.

    Attributes
    ----------
    camera : Camera
        Scaled to the maps.
    points_m : (E, 3) float64
        Outlines in the camera's axes at the picture's time.
    velocity_mps : (E, 3) float64
        How they move there, per second later that the picture is taken.
    is_upright : (E,) bool
        Whether the outline runs upwards.
    maps : (2, L, H, W) uint8
        Strength of edges that run upwards, and sideways, at L blurs, in steps of 1 / `GRAINS`.
    n_inside : int
        Outlines that are on the picture as it is.
    """

    camera: Camera
    points_m: Floats
    velocity_mps: Floats
    is_upright: Mask
    maps: NDArray[np.uint8]
    n_inside: int


def edge_maps(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the strength of a picture's edges, (2, L, H, W), as a view holds it."""
    smooth = ndimage.gaussian_filter(grey.astype(np.float32), 0.8)
    out = np.empty((2, len(BLURS_PX), *grey.shape), dtype=np.uint8)
    for k, axis in enumerate((1, 0)):
        strength = np.abs(ndimage.sobel(smooth, axis))
        usual = ndimage.uniform_filter(strength, AROUND_PX, mode="nearest")
        relative = np.minimum(strength / (usual + LEAST_STRENGTH), MOST)
        for level, blur_px in enumerate(BLURS_PX):
            out[k, level] = ndimage.gaussian_filter(relative, blur_px) * GRAINS + 0.5
    return out


def scaled(camera: Camera, scale: float) -> Camera:
    """Return the camera of pictures `scale` times the size; pixel centres at whole numbers."""
    move = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1.0]])
    matrix = move @ np.asarray(camera.intrinsics, dtype=np.float64)
    return replace(
        camera,
        width_px=round(camera.width_px * scale),
        height_px=round(camera.height_px * scale),
        intrinsics=tuple(tuple(row) for row in matrix.tolist()),
    )


def turned(points_m: Floats, angles_rad: Floats) -> Floats:
    """Return points turned about the camera's axes: right, down and ahead, small angles."""
    return points_m + np.cross(angles_rad, points_m)


def scores(views: Sequence[View], kind: str, values: Floats, level: int) -> Floats:
    """Return each view's mean edge strength under a fault, (V,).

    `values` of a "shift" are pixels right and down; of a "rotation" radians about right, down
    and ahead by which the scene is turned before the camera; of a "clock" seconds that the
    pictures are later than they say. NaN where a view has nothing left in the picture.
    """
    return np.array([_strength(view, *placed(view, kind, values), level) for view in views])


def placed(view: View, kind: str, values: Floats) -> tuple[Floats, Mask]:
    """Return where a view's outlines appear under a fault, (E, 2), and which are valid."""
    points = view.points_m
    if kind == "rotation":
        points = turned(points, values)
    elif kind == "clock":
        points = points + values[0] * view.velocity_mps
    seen = project_points(view.camera, points)
    return seen.pixels + (values if kind == "shift" else 0.0), seen.is_valid


def _strength(view: View, pixels: Floats, is_valid: Mask, level: int) -> float:
    """Return the mean strength of edges at pixels, between their four neighbours.

    Outlines that leave the picture count as if they lay anywhere on it: a fault must not win
    by moving out what does not fit.
    """
    maps = view.maps[:, level]
    height, width = maps.shape[1:]
    with np.errstate(invalid="ignore"):
        inside = is_valid & (pixels >= 0).all(axis=1)
        inside &= (pixels[:, 0] < width - 1) & (pixels[:, 1] < height - 1)
    n_inside = int(inside.sum())
    if not n_inside:
        return float("nan")
    x, y = pixels[inside].T
    column, row = x.astype(np.int64), y.astype(np.int64)
    right, down = (x - column).astype(np.float32), (y - row).astype(np.float32)
    which = np.where(view.is_upright[inside], 0, 1)
    top = maps[which, row, column] * (1 - right) + maps[which, row, column + 1] * right
    low = maps[which, row + 1, column] * (1 - right) + maps[which, row + 1, column + 1] * right
    total = float(np.sum(top * (1 - down) + low * down))
    n_left = max(view.n_inside - n_inside, 0)
    if n_left:
        total += n_left * float(maps[:, ::COARSE, ::COARSE].mean())
    return total / (n_inside + n_left) / GRAINS


@dataclass(frozen=True, slots=True)
class Fit:
    """What one kind of fault explains.

    Attributes
    ----------
    kind : str
        "shift", "rotation" or "clock".
    values : (1 to 3,) float64
        Pixels of the scaled picture; radians; seconds.
    before, after : (V,) float64
        Score of each view without and with it.
    """

    kind: str
    values: Floats
    before: Floats
    after: Floats

    @property
    def score(self) -> float:
        """Mean score as it is."""
        return float(np.nanmean(self.before))

    @property
    def gain(self) -> float:
        """Mean gain over the views."""
        return float(np.nanmean(self.after - self.before))

    def certainty(self, which: Mask | None = None) -> float:
        """Return the mean gain in units of its own standard error, of all views or of some."""
        gain = self.after - self.before
        gain = gain[np.isfinite(gain) & (True if which is None else which)]
        if len(gain) < 3:
            return 0.0
        return float(gain.mean() / max(gain.std(ddof=1) / np.sqrt(len(gain)), 1e-9))


def fits(views: Sequence[View]) -> dict[str, Fit]:
    """Search for the fault of each kind that puts the outlines best onto edges.

    Coarse to fine: a wide grid on blurred edges, then smaller steps on sharper ones, a step at
    a time in whichever direction gains most. A rotation begins where the best shift is.
    """
    focal = float(np.mean([v.camera.intrinsics[0][0] for v in views]))
    steps = np.array([3.0, 1.0, 0.25])
    # The nearer the likelier: walls and windows repeat, and whatever is far fits by chance.
    grid = GRID_PX.tolist()
    wide: Begin = {(x, y): 1 - FAR * float(np.hypot(x, y)) for x in grid for y in grid}
    shift = _search(views, "shift", wide, [np.full(2, s) for s in steps])
    like_shift = np.array([-shift.values[1], shift.values[0], 0.0]) / focal
    # About the axis ahead the rim moves by half the picture's width, not by the focal length.
    turns = [np.array([s, s, 1.5 * s]) / focal for s in steps]
    rotation = _search(views, "rotation", {(0.0, 0.0, 0.0): 1.0, tuple(like_shift): 1.0}, turns)
    late: Begin = {(float(t),): 1.0 for t in np.arange(-MOST_LATE_S, MOST_LATE_S + 0.01, 0.02)}
    clock = _search(views, "clock", late, [np.array([s]) for s in (0.01, 0.005, 0.002)])
    return {"shift": shift, "clock": clock, "rotation": rotation}


def _search(
    views: Sequence[View],
    kind: str,
    begin: Begin,
    steps: list[Floats],
) -> Fit:
    """Begin at the best of some values, each score times its likelihood, and climb."""
    start = max(begin, key=lambda v: begin[v] * _total(views, kind, np.array(v), 0))
    values = np.array(start)
    for level, step in enumerate(steps):
        values = _climb(views, kind, values, step, level)
    last = len(BLURS_PX) - 1
    before = scores(views, kind, np.zeros(len(values)), last)
    return Fit(kind, values, before, scores(views, kind, values, last))


def _climb(views: Sequence[View], kind: str, values: Floats, step: Floats, level: int) -> Floats:
    best = _total(views, kind, values, level)
    for _ in range(MOST_STEPS):
        tries = [values + s * step * row for row in np.eye(len(step)) for s in (-1, 1)]
        found = [_total(views, kind, t, level) for t in tries]
        k = int(np.argmax(found))
        if not found[k] > best:
            break
        values, best = tries[k], found[k]
    return values


def _total(views: Sequence[View], kind: str, values: Floats, level: int) -> float:
    each = scores(views, kind, values, level)
    # A view that lost all its outlines must not win by that.
    return float(np.where(np.isfinite(each), each, 0.0).mean())


def background(views: Sequence[View]) -> float:
    """Return the score of outlines that lie anywhere: the mean over a wide ring of shifts."""
    turns = np.arange(12) * np.pi / 6
    ring = [RING_PX * np.array([np.cos(a), np.sin(a)]) for a in turns]
    return float(np.mean([_total(views, "shift", v, len(BLURS_PX) - 1) for v in ring]))
