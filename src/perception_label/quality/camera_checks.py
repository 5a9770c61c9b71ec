"""What is wrong with a camera's calibration or clock, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats
from perception_label.quality.camera_fit import Fit, View, background, fits, placed, scores
from perception_label.quality.findings import Finding

LEAST_VIEWS = 4  # with fewer pictures chance decides
LEAST_OUTLINES = 300  # of all pictures together
LEAST_PX = 3.0  # of the camera's own pixels; outlines are not exact to less
LEAST_LATE_S = 0.03  # movers, and the time a sweep takes, look like less
LEAST_MOTION_PX = 1.5  # that the clock's fault moves the outlines: else anything would do
SURE = 3.0  # gains count from this many standard errors on
LEAST_GAIN = 0.02  # of the score
LEAST_LEAD = 0.01  # of the score, by which one fault must explain more than another
# In a narrow picture a small rotation and a shift look alike. What cannot be told apart is called
# a rotation from this angle on: mounts are knocked by degrees, principal points move by pixels.
KNOCK_RAD = 0.0135
# Outlines that lie on edges score this much more than such that lie anywhere …
LEAST_CONTRAST = 1.08
# … and through the right lens this many times as much more as through the wrong one.
RIGHT_LENS = 3.0


@dataclass(frozen=True, slots=True)
class CameraViews:
    """What is looked at of one camera: its pictures with outlines, `scale` of their own size."""

    views: tuple[View, ...]
    scale: float

    @property
    def is_enough(self) -> bool:
        """Whether there is enough to tell anything."""
        n = sum(len(v.points_m) for v in self.views)
        return len(self.views) >= LEAST_VIEWS and n >= LEAST_OUTLINES


def check_calibrations(
    seen: Mapping[str, CameraViews], as_if: Callable[[str, str], Sequence[View]]
) -> list[Finding]:
    """Find cameras whose pictures do not fit the LiDAR, and name what would explain it.

    Parameters
    ----------
    seen : dict of CameraViews
        By camera.
    as_if : callable
        Of two cameras' names: the pictures of the first through the calibration of the second.

    Returns
    -------
    list of Finding
        `camera_swapped`: two cameras fit each other's calibration; `camera_shift`: the picture
        is off by pixels, all alike (the principal point, a crop); `camera_rotation`: the
        camera is turned; `camera_late`: its clock is off. Nothing for a camera that shows too
        little.
    """
    known = {name: views for name, views in seen.items() if views.is_enough}
    swapped = _swapped(known, as_if)
    found = []
    for a, b, evidence in swapped:
        text = f"pictures of {a} fit the calibration of {b}, and the other way round: swap them"
        found.append(Finding("camera_swapped", "error", f"cameras {a} and {b}", evidence, text))
    taken = {name for pair in swapped for name in pair[:2]}
    for name, camera in known.items():
        if name not in taken:
            found += _named(name, camera)
    return found


def contrast(views: Sequence[View]) -> float:
    """Return how much better outlines lie where they should than anywhere, 1 for no better."""
    here = scores(views, "shift", np.zeros(2), -1)
    return float(np.nanmean(here)) / max(background(views), 1e-9)


def _swapped(
    known: Mapping[str, CameraViews], as_if: Callable[[str, str], Sequence[View]]
) -> list[tuple[str, str, dict[str, float]]]:
    own = {name: contrast(camera.views) - 1 for name, camera in known.items()}
    names, found = sorted(known), list[tuple[str, str, dict[str, float]]]()
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            ways = [as_if(a, b), as_if(b, a)]
            if min(len(views) for views in ways) < LEAST_VIEWS:
                continue
            # What fits a camera's pictures better than its own calibration does, both ways.
            other = [contrast(views) - 1 for views in ways]
            mine = own[a], own[b]
            clear = min(o - RIGHT_LENS * max(m, 0) for o, m in zip(other, mine, strict=True))
            if min(other) > LEAST_CONTRAST - 1 and clear > 0:
                evidence = {"contrast_as_given": 1 + max(own[a], own[b])}
                found.append((a, b, {**evidence, "contrast_if_swapped": 1 + min(other)}))
    return found


def _named(name: str, camera: CameraViews) -> list[Finding]:
    """Return the fault of one camera that explains most, if there is one."""
    tried = fits(camera.views)
    moved = {kind: moved_px(camera, fit) for kind, fit in tried.items()}
    sure = [kind for kind, fit in tried.items() if _is_sure(fit, moved[kind])]
    if not sure:
        return []
    best = max(sure, key=lambda kind: tried[kind].gain)
    if {"shift", "rotation"} <= set(sure) and best != "clock":
        best = _shift_or_rotation(tried["shift"], tried["rotation"], camera)
    return [_finding(name, camera, tried[best], _typical(moved[best]))]


def _is_sure(fit: Fit, moved: Floats) -> bool:
    """Tell whether a fault explains something, and moves the outlines enough to be told."""
    if not fit.gain >= LEAST_GAIN * fit.score:
        return False
    if fit.kind == "clock":
        # Where the vehicle stands a clock's fault shows nothing: such pictures have no say.
        shows = moved >= LEAST_MOTION_PX
        return abs(fit.values[0]) >= LEAST_LATE_S and fit.certainty(shows) >= SURE
    if fit.certainty() < SURE:
        return False
    is_knocked = fit.kind == "rotation" and float(np.linalg.norm(fit.values)) > KNOCK_RAD
    return _typical(moved) >= (LEAST_MOTION_PX if is_knocked else LEAST_PX)


def _shift_or_rotation(shift: Fit, rotation: Fit, camera: CameraViews) -> str:
    """Return which of two faults explains surely more, or which is likelier for its size."""
    gain = rotation.after - shift.after
    gain = gain[np.isfinite(gain)]
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    if abs(gain.mean()) > 2 * error and abs(gain.mean()) > LEAST_LEAD * shift.score:
        return "rotation" if gain.mean() > 0 else "shift"
    focal = np.mean([view.camera.intrinsics[0][0] for view in camera.views])
    return "rotation" if np.linalg.norm(shift.values) / focal > KNOCK_RAD else "shift"


def moved_px(camera: CameraViews, fit: Fit) -> Floats:
    """Return how far a fault moves the outlines of each view, (V,), root mean square.

    In the camera's own pixels; NaN for a view without outlines.
    """
    out = np.full(len(camera.views), np.nan)
    for k, view in enumerate(camera.views):
        before, is_there = placed(view, "shift", np.zeros(2))
        after, is_still = placed(view, fit.kind, fit.values)
        both = is_there & is_still
        if both.any():
            squares = np.sum((after[both] - before[both]) ** 2, axis=1)
            out[k] = np.sqrt(np.mean(squares)) / camera.scale
    return out


def _typical(moved: Floats) -> float:
    return float(np.sqrt(np.nanmean(moved**2)))


def _finding(name: str, camera: CameraViews, fit: Fit, moved: float) -> Finding:
    evidence = {"moved_px": moved, "score": fit.score, "score_then": fit.score + fit.gain}
    evidence["standard_errors"] = fit.certainty()
    where = f"camera {name}"
    if fit.kind == "shift":
        right, down = (fit.values / camera.scale).tolist()
        text = "the picture lies shifted: add right_px and down_px to the principal point"
        given = {"right_px": right, "down_px": down}
        return Finding("camera_shift", "warning", where, {**given, **evidence}, text)
    if fit.kind == "clock":
        text = "pictures are taken later than they say: add late_s to their times"
        given = {"late_s": float(fit.values[0])}
        return Finding("camera_late", "warning", where, {**given, **evidence}, text)
    about = dict(zip(("right_rad", "down_rad", "ahead_rad"), fit.values.tolist(), strict=True))
    size = float(np.linalg.norm(fit.values))
    text = (
        "the camera is mounted turned: turn the scene by these angles about its own axes, or "
        "calibrate again"
    )
    evidence = {"rotation_rad": size, **about, **evidence}
    return Finding("camera_rotation", "warning", where, evidence, text)
