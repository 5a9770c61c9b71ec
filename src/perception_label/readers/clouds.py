"""A point file of any format as one cloud, and a cloud as a sweep.

Fields are recognised by name. Values that cannot be what the name says (a ring of 58790, a
time of 1e88) are dropped, and the sweep's remarks say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats
from perception_label.cloud.sweeps import Sweep
from perception_label.readers.files import refuse, single
from perception_label.readers.flat import read_bin, read_npy

SUFFIXES = (".pcd", ".ply", ".bin", ".npy", ".npz", ".las", ".laz")
INTENSITY = ("intensity", "i", "reflectance", "reflectivity", "remission", "scalar_intensity")
RING = ("ring", "laser_number", "laser_id", "channel", "line", "beam", "scalar_ring")
TIME = (
    "time_offset_ns", "offset_ns", "offset_time", "time_offset", "t", "time", "timestamp",
    "timestamps", "gps_time", "stamp", "time_stamp", "scalar_gpstime",
)  # fmt: skip
MOST_RINGS = 1024
LONGEST_S = 1.5  # a sweep takes less
SHORTEST_S = 0.0015
UNITS_NS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
_UNIT_OF = {"time_offset_ns": "ns", "offset_ns": "ns", "gps_time": "s", "scalar_gpstime": "s"}

Fields = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Cloud:
    """N points of a file: (N, 3) in the file's own coordinates, and what it told of each.

    `time_ns` (N,) float64 is in nanoseconds, on whatever clock the file uses.
    """

    points_m: NDArray[Any]
    intensity: NDArray[np.float32] | None = None
    ring: NDArray[np.uint16] | None = None
    time_ns: Floats | None = None
    remarks: tuple[str, ...] = ()

    def sweep(self, timestamp_ns: int) -> Sweep:
        """Return the cloud as the sweep of an instant.

        Small times count from that instant. Times of day or of an epoch are taken relative to
        it where they are within a sweep of it, else relative to the first point, with a remark.
        """
        remarks, offset = self.remarks, None
        if self.time_ns is not None and len(self.time_ns):
            offset = self.time_ns
            if np.abs(offset).max() > LONGEST_S * 1e9:
                offset = self.time_ns - timestamp_ns
            if np.abs(offset).max() > LONGEST_S * 1e9:
                offset = self.time_ns - self.time_ns.min()
                remarks = (*remarks, "point times are on another clock: counted from the first")
        elif self.time_ns is not None:
            offset = self.time_ns
        return Sweep(
            points_m=single(self.points_m),
            timestamp_ns=timestamp_ns,
            intensity=self.intensity,
            ring=self.ring,
            time_offset_ns=None if offset is None else np.round(offset).astype(np.int32),
            remarks=remarks,
        )

    def moved(self, a_from_b: Floats) -> "Cloud":
        """Return the cloud under a (4, 4) rigid transform, in float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            points = self.points_m.astype(np.float64) @ a_from_b[:3, :3].T + a_from_b[:3, 3]
        return replace(self, points_m=points)


def read_cloud(path: Path, columns: int | None = None) -> Cloud:
    """Read one point file of any known format; `columns` is the width of a .bin's rows.

    Raises
    ------
    SourceError
        If the file is cut short, is of no known format or has no x, y, z of numbers.
    MissingExtraError
        If a .las or .laz is met and the extra `las` is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in (".pcd", ".ply", ".las", ".laz"):
        module = {".laz": "las"}.get(suffix, suffix[1:])
        cloud: Cloud = import_module(f"perception_label.readers.{module}").read(path)
        return cloud
    if suffix == ".bin":
        rows = read_bin(path, columns)
        names = ("x", "y", "z", "intensity", "ring")[: rows.shape[1]]
        return from_fields(path, {name: rows[:, k] for k, name in enumerate(names)})
    if suffix in (".npy", ".npz"):
        return _from_array(path, read_npy(path))
    raise refuse(path, f"a point file ({', '.join(SUFFIXES)})", path.name)


def from_fields(
    path: Path, fields: Mapping[str, NDArray[Any]], remarks: tuple[str, ...] = ()
) -> Cloud:
    """Return the cloud of named columns of one length; unknown names are not taken.

    Raises
    ------
    SourceError
        If x, y or z is missing or no column of numbers.
    """
    low = {name.lower(): values for name, values in fields.items()}
    missing = [axis for axis in "xyz" if axis not in low]
    if missing:
        raise refuse(path, f"a field {missing[0]}", ", ".join(fields) or "none")
    for axis in "xyz":
        if low[axis].dtype.kind not in "fiu" or low[axis].ndim != 1:
            raise refuse(path, f"numbers in {axis}", f"{low[axis].dtype} {low[axis].shape}")
    kind = np.float32 if all(low[a].dtype == np.float32 for a in "xyz") else np.float64
    points = np.column_stack([low[a].astype(kind, copy=False) for a in "xyz"])
    told: dict[str, Any] = {}
    notes = list(remarks)
    for what, names in (("intensity", INTENSITY), ("ring", RING), ("time_ns", TIME)):
        name = next((n for n in names if n in low and low[n].ndim == 1), None)
        if name is None or low[name].dtype.kind not in "fiu":
            continue
        value = _CHECKS[what](name, low[name])
        if value is not None:
            told[what] = value
        elif len(points):
            notes.append(f"{name}: not a {what.removesuffix('_ns')} by its values, dropped")
    return Cloud(points, remarks=tuple(notes), **told)


def implausible(fields: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return the names of the ring and time fields whose values cannot be that."""
    low = {name.lower(): (name, values) for name, values in fields.items()}
    out = []
    for what, names in (("ring", RING), ("time_ns", TIME)):
        known = next((n for n in names if n in low), None)
        if known is None:
            continue
        name, values = low[known]
        if len(values) and _CHECKS[what](known, values) is None:
            out.append(name)
    return out


def _intensity(_name: str, values: NDArray[Any]) -> NDArray[np.float32]:
    return single(values)


def _ring(_name: str, values: NDArray[Any]) -> NDArray[np.uint16] | None:
    if values.size and not (values.min() >= 0 and values.max() < MOST_RINGS):
        return None
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        return None
    return values.astype(np.uint16)


def _time(name: str, values: NDArray[Any]) -> Floats | None:
    """Return times as nanoseconds, the unit told by how long the sweep then takes.

    Sweeps take between 1.5 ms and 1.5 s, so of s, ms, us and ns only one can fit.
    """
    if not values.size:
        return np.empty(0)
    # Subtract before scaling: an epoch in nanoseconds is more than a double can hold exactly.
    first = values.min()
    with np.errstate(over="ignore", invalid="ignore"):
        since = (values - first).astype(np.float64)
        span = float(since.max())
        fits = [
            scale for unit, scale in UNITS_NS.items()
            if SHORTEST_S < span * scale / 1e9 <= LONGEST_S and unit == _UNIT_OF.get(name, unit)
        ]  # fmt: skip
        if not fits or not abs(float(first) * fits[0]) < 9e18:
            return None
        return np.asarray(since * fits[0] + float(first) * fits[0])


_CHECKS: dict[str, Any] = {"intensity": _intensity, "ring": _ring, "time_ns": _time}


def _from_array(path: Path, array: NDArray[Any]) -> Cloud:
    if array.dtype.names is not None and array.ndim == 1:
        return from_fields(path, {name: array[name] for name in array.dtype.names})
    if array.ndim != 2 or array.shape[1] < 3 or array.dtype.kind not in "fiu":
        raise refuse(path, "(N, 3 or more) numbers", f"{array.shape} {array.dtype}")
    fields = {name: array[:, k] for k, name in enumerate(("x", "y", "z"))}
    if array.shape[1] > 3:
        fields["intensity"] = array[:, 3]
    notes = (f"columns 5 to {array.shape[1]} have no name, left out",) if array.shape[1] > 4 else ()
    return from_fields(path, fields, notes)
