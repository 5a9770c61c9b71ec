"""What an ingest does to a recording before it is stored: order, clean, shift, say so."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label import schema
from perception_label.arrays import Ints, Mask, Pose, as_points, as_timestamps
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import LabelError, ShapeError, SourceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse
from perception_label.readers.recording import Recording

# World coordinates beyond this get a local origin: a float32 there is coarser than 1 mm.
FAR_M = 10_000.0
# A matrix whose rows are farther than this from orthonormal is no rotation but a mistake.
ROTATION_TOLERANCE = 1e-3


@dataclass
class Notes:
    """What an ingest left out and what it found strange, in the order it noticed."""

    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SweepOrder:
    """Which sweeps of the source are taken, in time order."""

    rows: Ints
    timestamps_ns: Ints
    n_out_of_order: int
    n_duplicates: int


def order_sweeps(timestamps_ns: Ints, where: str, notes: Notes) -> SweepOrder:
    """Sort sweeps by time; of several with one time, the first in the source stays.

    Raises
    ------
    SourceError
        If there is no sweep.
    """
    times = as_timestamps(timestamps_ns)
    if not len(times):
        raise SourceError(f"{where}: expected at least one sweep, got none")
    n_out_of_order = int((times[1:] < np.maximum.accumulate(times)[:-1]).sum())
    rows = np.argsort(times, kind="stable")
    is_new = np.diff(times[rows], prepend=times[rows[0]] - 1) > 0
    n_duplicates = int((~is_new).sum())
    if n_out_of_order:
        notes.warnings.append(f"{n_out_of_order} sweeps were not in time order: sorted")
    if n_duplicates:
        first = times[rows[~is_new][0]]
        notes.left_out.append(
            f"{n_duplicates} sweeps of a time another has already, the first at {first} ns"
        )
    return SweepOrder(rows[is_new], times[rows[is_new]], n_out_of_order, n_duplicates)


def within_path(
    order: SweepOrder, path: EgoPoses | None, notes: Notes
) -> tuple[SweepOrder, EgoPoses | None]:
    """Match sweeps and ego poses: both ends of the path are carried on by one sweep period.

    There the vehicle keeps the speed and turn of its last period. Sweeps farther out are
    left out.

    Raises
    ------
    SourceError
        If no sweep is left: the clocks do not agree.
    """
    if path is None:
        return order, None
    times = order.timestamps_ns
    margin_ns = _period_ns(times)
    first_ns, last_ns = int(path.timestamps_ns[0]), int(path.timestamps_ns[-1])
    is_near = (times >= first_ns - margin_ns) & (times <= last_ns + margin_ns)
    if not is_near.any():
        raise SourceError(
            f"ego poses: expected times of the sweeps, {times[0]} to {times[-1]} ns, "
            f"got {first_ns} to {last_ns} ns"
        )
    if not is_near.all():
        notes.left_out.append(f"{(~is_near).sum()} sweeps outside the time of the ego poses")
    times = times[is_near]
    n_beyond = int(((times < first_ns) | (times > last_ns)).sum())
    if n_beyond:
        notes.warnings.append(
            f"{n_beyond} sweeps lie up to one sweep period outside the ego poses: "
            "the path is carried on at constant speed for them"
        )
        path = _carry_on(path, int(times[0]), int(times[-1]), margin_ns)
    return replace(order, rows=order.rows[is_near], timestamps_ns=times), path


def beyond_ends(path: EgoPoses, order: SweepOrder) -> EgoPoses:
    """Return the path carried on by a sweep period at both ends: a sweep's points reach there."""
    times = order.timestamps_ns
    margin_ns = _period_ns(times)
    return _carry_on(path, int(times[0]) - margin_ns, int(times[-1]) + margin_ns, margin_ns)


def _period_ns(times: Ints) -> int:
    return int(np.median(np.diff(times))) if len(times) > 1 else 100_000_000


def _carry_on(path: EgoPoses, first_ns: int, last_ns: int, margin_ns: int) -> EgoPoses:
    times, poses = path.timestamps_ns, path.world_from_ego
    ends = [(first_ns, times[0], 1), (last_ns, times[-1], -1)]
    for to_ns, end_ns, inwards in ends:
        beyond_ns = int(end_ns - to_ns) * inwards
        if beyond_ns <= 0:
            continue
        inner_ns = np.array([end_ns + inwards * margin_ns])
        inner = interpolate_poses(path, inner_ns, outside="hold")[0]
        end = poses[0] if inwards > 0 else poses[-1]
        further = end @ _share(inverse(inner) @ end, beyond_ns / margin_ns)
        order = slice(None, None, inwards)
        times = np.concatenate([[to_ns], times[order]])[order]
        poses = np.concatenate([further[None], poses[order]])[order]
    return EgoPoses(times, poses)


def _share(step: Pose, share: float) -> Pose:
    part = np.eye(4)
    turn = Rotation.from_matrix(step[:3, :3]).as_rotvec()
    part[:3, :3] = Rotation.from_rotvec(share * turn).as_matrix()
    part[:3, 3] = share * step[:3, 3]
    return part


def sound_path(path: EgoPoses | None, where: str, notes: Notes) -> EgoPoses | None:
    """Return ego poses in time order, finite, one per instant; None if none are left.

    Raises
    ------
    SourceError
        If a pose is no rigid transform.
    """
    if path is None or not len(path):
        return None
    poses = path.world_from_ego
    is_finite: Mask = np.asarray(np.isfinite(poses).all(axis=(1, 2)))
    rows = np.argsort(path.timestamps_ns, kind="stable")
    times = path.timestamps_ns[rows]
    is_new: Mask = np.diff(times, prepend=times[0] - 1) > 0
    if not is_finite.all():
        notes.left_out.append(f"{(~is_finite).sum()} ego poses that are not finite")
    if not is_new.all():
        notes.left_out.append(f"{(~is_new).sum()} ego poses of a time another has already")
    rows = rows[is_new & is_finite[rows]]
    if not len(rows):
        return None
    turns = poses[rows][:, :3, :3]
    errors = np.abs(turns @ np.swapaxes(turns, 1, 2) - np.eye(3)).max(axis=(1, 2))
    errors = np.where(np.linalg.det(turns) > 0, errors, np.inf)
    if errors.max() > ROTATION_TOLERANCE:
        worst = int(rows[errors.argmax()])
        raise SourceError(
            f"{where}: ego pose {worst}: expected a rotation, got a matrix "
            f"{errors.max():.3g} off one"
        )
    return EgoPoses(path.timestamps_ns[rows], poses[rows])


def local_origin(path: EgoPoses | None, notes: Notes) -> tuple[float, float, float]:
    """Return the point to measure world coordinates from: zero unless they are UTM-sized."""
    if path is None or np.abs(path.world_from_ego[:, :3, 3]).max() <= FAR_M:
        return (0.0, 0.0, 0.0)
    x, y, z = (float(v) for v in np.floor(path.world_from_ego[0, :3, 3]))
    notes.warnings.append(
        f"coordinates of UTM size: stored less the origin x {x:.0f}, y {y:.0f}, z {z:.0f} m"
    )
    return (x, y, z)


def shift_path(path: EgoPoses, origin_m: Sequence[float]) -> EgoPoses:
    """Return the path measured from an origin."""
    poses = path.world_from_ego.copy()
    poses[:, :3, 3] -= origin_m
    return EgoPoses(path.timestamps_ns, poses)


def shift_labels(labels: Labels, origin_m: Sequence[float]) -> Labels:
    """Return world-frame labels measured from an origin."""
    boxes = labels.cuboids
    moved = Cuboids(boxes.center_m - np.asarray(origin_m), boxes.size_m, boxes.yaw_rad)
    return replace(labels, cuboids=moved)


def channels_of(sweep: Sweep) -> tuple[str, ...]:
    """Return which channels a sweep carries, in the order of the schema."""
    return tuple(c for c in schema.SWEEP_CHANNELS if getattr(sweep, c) is not None)


def read_sweep(recording: Recording, row: int) -> Sweep:
    """Read one sweep of a recording and check that its columns agree.

    Raises
    ------
    SourceError
        If the source cannot be read there, or its columns are of different lengths.
    """
    where = f"{recording.log_id} sweep {row}"
    try:
        sweep = recording.source(row)
        points_m = as_points(np.asarray(sweep.points_m))
    except ShapeError as error:
        raise SourceError(f"{where}: {error}") from None
    except LabelError:
        raise
    except (OSError, EOFError, ValueError, ArithmeticError) as error:
        raise SourceError(f"{where}: expected a readable sweep, got: {error!r}") from None
    for name in channels_of(sweep):
        if np.shape(getattr(sweep, name)) != (len(points_m),):
            raise SourceError(
                f"{where}: expected {name} ({len(points_m)},), got {np.shape(getattr(sweep, name))}"
            )
    return replace(sweep, points_m=points_m)


def drop_not_finite(sweep: Sweep) -> tuple[Sweep, int]:
    """Return the sweep without points that are NaN or infinite, and how many those were."""
    is_finite: Mask = np.asarray(np.isfinite(sweep.points_m).all(axis=1))
    n_bad = int(len(is_finite) - is_finite.sum())
    if not n_bad:
        return sweep, 0
    kept: dict[str, Any] = {c: getattr(sweep, c)[is_finite] for c in channels_of(sweep)}
    return replace(sweep, points_m=sweep.points_m[is_finite], **kept), n_bad


def with_channels(sweep: Sweep, channels: Sequence[str]) -> tuple[Sweep, bool]:
    """Return the sweep with exactly these channels, zeros where it lacks one.

    The second value is False if the sweep had points and other channels.
    """
    have = channels_of(sweep)
    if have == tuple(channels):
        return sweep, True
    n = len(sweep)
    parts: dict[str, Any] = {
        name: (getattr(sweep, name) if name in have else np.zeros(n, kind.to_pandas_dtype()))
        if name in channels
        else None
        for name, kind in schema.SWEEP_CHANNELS.items()
    }
    return replace(sweep, **parts), n == 0
