"""Checks of a recording's clock, counts and poses, on arrays alone.

Each check returns what it found; an empty list means nothing is wrong. Thresholds stand
beside their check, each with its reason.
"""

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.poses import EgoPoses
from perception_label.quality.findings import Finding

GAP_PERIODS = 1.5  # jitter stays below half a period, a missing sweep does not
LONG_GAP_S = 1.0  # nothing can be tracked through longer ones
MAX_ACCELERATION_MPS2 = 15.0  # emergency braking reaches 10
JUMP_FLOOR_M = 0.3  # below lies the noise of honest positions
MAX_TURN_RADPS = 2.5  # a car sliding round its own axis
JUMP_FLOOR_RAD = 0.05
FEW_POINTS = 0.1  # a sweep with fewer of the median's points is a fragment
MUCH_NOT_FINITE = 0.05


def check_clock(timestamps_ns: Ints, n_out_of_order: int, n_duplicates: int) -> list[Finding]:
    """Find gaps, missing sweeps and jumps of the sweeps' clock, (S,) rising."""
    found = []
    if n_out_of_order or n_duplicates:
        found.append(
            Finding(
                "clock_disorder",
                "warning",
                "the source's sweeps",
                {"n_out_of_order": n_out_of_order, "n_duplicates": n_duplicates},
                "the ingest sorted the sweeps and left repeats out; check the recorder's clock",
            )
        )
    if len(timestamps_ns) < 3:
        return found
    steps_s = np.diff(timestamps_ns) * 1e-9
    period_s = float(np.median(steps_s))
    for k in np.flatnonzero(steps_s > GAP_PERIODS * period_s):
        found.append(
            Finding(
                "clock_gap",
                "error" if steps_s[k] > LONG_GAP_S else "warning",
                f"sweeps {k} to {k + 1}",
                {
                    "gap_s": float(steps_s[k]),
                    "period_s": period_s,
                    "n_missing": round(float(steps_s[k]) / period_s) - 1,
                },
                "sweeps are missing here: label the parts before and after as two logs, or "
                "record again",
            )
        )
    for k in np.flatnonzero(steps_s < period_s / GAP_PERIODS / 2):
        found.append(
            Finding(
                "clock_jump",
                "warning",
                f"sweeps {k} to {k + 1}",
                {"step_s": float(steps_s[k]), "period_s": period_s},
                "two sweeps nearly at once: the clock was set back, or a sweep was split",
            )
        )
    return found


def check_sweeps(n_points: Ints, n_not_finite: Ints) -> list[Finding]:
    """Find empty sweeps, fragments, and points that were not finite; both (S,)."""
    found = []
    empty = np.flatnonzero(n_points == 0)
    if len(empty):
        found.append(
            Finding(
                "empty_sweeps",
                "error" if len(empty) == len(n_points) else "warning",
                f"sweeps {some(empty)}",
                {"n_sweeps": len(empty), "share": len(empty) / len(n_points)},
                "no points there: boxes in these sweeps come from their neighbours alone",
            )
        )
    filled = n_points[n_points > 0]
    median = float(np.median(filled)) if len(filled) else 0.0
    few = np.flatnonzero((n_points > 0) & (n_points < FEW_POINTS * median))
    if len(few):
        found.append(
            Finding(
                "sparse_sweeps",
                "warning",
                f"sweeps {some(few)}",
                {"n_sweeps": len(few), "fewest": int(n_points[few].min()), "median": median},
                "most points are missing: look for lost packets",
            )
        )
    n_bad, n_all = int(n_not_finite.sum()), int(n_points.sum() + n_not_finite.sum())
    if n_bad:
        found.append(
            Finding(
                "not_finite",
                "warning" if n_bad > MUCH_NOT_FINITE * n_all else "info",
                f"sweeps {some(np.flatnonzero(n_not_finite))}",
                {"n_points": n_bad, "share": n_bad / n_all},
                "the ingest left them out; drivers write NaN where the laser saw nothing",
            )
        )
    return found


def check_path(path: EgoPoses | None, timestamps_ns: Ints) -> list[Finding]:
    """Find missing ego poses, holes in them, and jumps of position or heading."""
    if path is None:
        return [
            Finding(
                "missing_poses",
                "error",
                "the whole log",
                {"n_poses": 0},
                "no world frame without them: ingest again with --odometry kiss-icp or open3d",
            )
        ]
    return _pose_holes(path, timestamps_ns) + _pose_jumps(path)


def check_origin(origin_m: tuple[float, float, float]) -> list[Finding]:
    """Find that the source's coordinates are so large that a local origin was taken off."""
    if not any(origin_m):
        return []
    x, y, z = origin_m
    return [
        Finding(
            "utm_coordinates",
            "info",
            "the world frame",
            {"origin_x_m": x, "origin_y_m": y, "origin_z_m": z},
            "stored less this origin, so that nothing is lost in 32-bit numbers; add it to get "
            "the source's coordinates",
        )
    ]


def _pose_holes(path: EgoPoses, timestamps_ns: Ints) -> list[Finding]:
    after = np.searchsorted(path.timestamps_ns, timestamps_ns).clip(0, len(path) - 1)
    before = np.maximum(after - 1, 0)
    to_after = np.abs(path.timestamps_ns[after] - timestamps_ns)
    to_before = np.abs(path.timestamps_ns[before] - timestamps_ns)
    away_s = np.minimum(to_after, to_before) * 1e-9
    # Half a second at 15 m/s and a moderate turn is a decimetre off the true path.
    lonely = np.flatnonzero(away_s > 0.5)
    if not len(lonely):
        return []
    return [
        Finding(
            "pose_gap",
            "warning",
            f"sweeps {some(lonely)}",
            {"n_sweeps": len(lonely), "nearest_pose_s": float(away_s.max())},
            "poses there are a guess between far ones: record poses at the sweeps' rate",
        )
    ]


def _pose_jumps(path: EgoPoses) -> list[Finding]:
    if len(path) < 3:
        return []
    steps_s: Floats = np.diff(path.timestamps_ns) * 1e-9
    velocity = np.diff(path.world_from_ego[:, :3, 3], axis=0) / steps_s[:, None]
    shorter_s = np.minimum(steps_s[1:], steps_s[:-1])
    surprise_m = np.linalg.norm(np.diff(velocity, axis=0), axis=1) * shorter_s
    allowed_m = JUMP_FLOOR_M + MAX_ACCELERATION_MPS2 * shorter_s**2
    turns = path.world_from_ego[:-1, :3, :3].swapaxes(1, 2) @ path.world_from_ego[1:, :3, :3]
    cosine = (np.trace(turns, axis1=1, axis2=2) - 1) / 2
    turned_rad = np.arccos(cosine.clip(-1, 1))
    is_turn = turned_rad > JUMP_FLOOR_RAD + MAX_TURN_RADPS * steps_s
    # A surprise at pose i + 1 may stem from the step before or after it: the longer one.
    speed = np.linalg.norm(velocity, axis=1)
    jumps = np.flatnonzero(surprise_m > allowed_m)
    rows = {int(k if speed[k] > speed[k + 1] else k + 1) for k in jumps}
    rows |= {int(k) for k in np.flatnonzero(is_turn)}
    return [
        Finding(
            "pose_jump",
            "error",
            f"ego poses {k} to {k + 1}, {path.timestamps_ns[k]} ns",
            {
                "moved_m": float(speed[k] * steps_s[k]),
                "turned_rad": float(turned_rad[k]),
                "step_s": float(steps_s[k]),
            },
            "no vehicle moves so: the positioning was corrected there; smooth the poses",
        )
        for k in sorted(rows)
    ]


def some(numbers: Ints) -> str:
    """Return the first few numbers as text."""
    text = ", ".join(str(n) for n in numbers[:5])
    return text if len(numbers) <= 5 else f"{text} and {len(numbers) - 5} more"
