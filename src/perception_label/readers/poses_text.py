"""Ego poses as text: KITTI's 3 x 4 rows, TUM trajectories, CSV with a header.

All three are world from ego. KITTI rows have no times: row i belongs to sweep i.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.poses import pose
from perception_label.readers.files import floats, read_text, refuse

TIMES_NS = ("timestamp_ns", "time_ns", "t_ns", "ns")
TIMES_US = ("timestamp_us", "time_us", "rostime")
TIMES_S = ("timestamp", "time", "t", "timestamp_s", "time_s", "stamp")
_POSITION = (("x", "y", "z"), ("tx", "ty", "tz"), ("tx_m", "ty_m", "tz_m"), ("x_m", "y_m", "z_m"))
_EPOCH_NS, _EPOCH_US, _EPOCH_MS = 10**17, 10**14, 10**11  # smaller numbers are of smaller units


@dataclass(frozen=True, slots=True)
class PoseTable:
    """P poses (P, 4, 4), world from ego, and their times (P,) int64 ns if the file has them."""

    world_from_ego: Floats
    timestamps_ns: Ints | None


def read_poses(path: Path) -> PoseTable:
    """Read a pose file; which of the three kinds it is shows in its first line.

    Raises
    ------
    SourceError
        If a line has not the numbers its kind has, or no kind fits.
    """
    lines = [line.strip() for line in read_text(path).splitlines()]
    lines = [line for line in lines if line and line[0] not in "#%"]
    if not lines:
        raise refuse(path, "poses", "no line")
    if any(c.isalpha() and c not in "eE" for c in lines[0]):
        return _csv(path, "\n".join(lines))
    rows = [line.replace(",", " ").split() for line in lines]
    width = len(rows[0])
    if width not in (12, 8):
        raise refuse(path, "12 (KITTI) or 8 (TUM) numbers per line, or a CSV header", f"{width}")
    odd = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if odd is not None:
        raise refuse(path, f"{width} numbers in pose {odd + 1}", f"{len(rows[odd])}: cut short?")
    if width == 12:
        return PoseTable(_matrices(path, floats(path, rows, (-1, 12), "poses")), None)
    numbers = floats(path, [row[1:] for row in rows], (-1, 7), "poses")
    return PoseTable(
        _from_quaternions(path, numbers[:, :3], numbers[:, [6, 3, 4, 5]]),
        times_ns(path, [row[0] for row in rows]),
    )


def times_ns(path: Path, texts: Sequence[str], unit_ns: int | None = None) -> Ints:
    """Return times in ns, read as decimals so that no digit is lost.

    Without `unit_ns` the unit is told by size: an epoch in ns, us or ms has as many digits as
    no other unit; anything smaller is seconds.
    """
    try:
        values = [Decimal(text) for text in texts]
        largest = max((abs(v) for v in values), default=Decimal(0))
        if unit_ns is None:
            bounds = ((_EPOCH_NS, 1), (_EPOCH_US, 1000), (_EPOCH_MS, 10**6))
            unit_ns = next((unit for bound, unit in bounds if largest >= bound), 10**9)
        return np.array([int(value * unit_ns) for value in values], dtype=np.int64)
    except (ArithmeticError, ValueError) as error:
        raise refuse(path, "times", f"{type(error).__name__} in one of {len(texts)}") from None


def _csv(path: Path, text: str) -> PoseTable:
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise refuse(path, "CSV", error) from None
    names = [name.strip().lower() for name in rows[0]]
    if len(set(names)) != len(names):
        raise refuse(path, "columns of different names", ", ".join(names))
    odd = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if odd is not None:
        raise refuse(
            path, f"{len(names)} values in line {odd + 1}", f"{len(rows[odd])}: cut short?"
        )
    columns = {name: [row[k].strip() for row in rows[1:]] for k, name in enumerate(names)}
    position = next((p for p in _POSITION if set(p) <= columns.keys()), None)
    turn = ("qw", "qx", "qy", "qz")
    if position is None or not set(turn) <= columns.keys():
        raise refuse(path, "columns x y z qw qx qy qz", ", ".join(names))
    table = [[columns[n][i] for n in (*position, *turn)] for i in range(len(rows) - 1)]
    numbers = floats(path, table or np.empty((0, 7)), (-1, 7), "poses")
    times = None
    for known, unit in ((TIMES_NS, 1), (TIMES_US, 1000), (TIMES_S, None)):
        name = next((n for n in known if n in columns), None)
        if name is not None and times is None:
            times = times_ns(path, columns[name], unit)
    return PoseTable(_from_quaternions(path, numbers[:, :3], numbers[:, 3:]), times)


def _matrices(path: Path, rows: Floats) -> Floats:
    out = np.tile(np.eye(4), (len(rows), 1, 1))
    out[:, :3] = rows.reshape(-1, 3, 4)
    turned = np.einsum("nij,nkj->nik", out[:, :3, :3], out[:, :3, :3])
    wrong = np.abs(turned - np.eye(3)).max(axis=(1, 2)) > 0.01
    wrong |= np.linalg.det(out[:, :3, :3]) < 0
    if wrong.any():
        raise refuse(path, "rotations", f"no rotation in pose {int(np.argmax(wrong)) + 1}")
    return out


def _from_quaternions(path: Path, position_m: Floats, quaternion_wxyz: Floats) -> Floats:
    wrong = np.abs(np.linalg.norm(quaternion_wxyz, axis=1) - 1) > 0.01
    if wrong.any():
        raise refuse(path, "unit quaternions", f"none in pose {int(np.argmax(wrong)) + 1}")
    return pose(position_m, quaternion_wxyz)
