"""E57 files (ASTM E2807): each scan of the file, or of a folder's files, is a sweep; extra `e57`.

Points. Each scan is in its own frame, Cartesian or spherical; invalid points are not taken.
Times. A scan's `acquisitionStart`, which counts from the GPS epoch; where scans lack it or share
it, 10 Hz is assumed and said.
Poses. A scan's `pose` is the scanner in the file's common frame; it makes the ego poses where every
scan has one. The scanner is the ego frame.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import LabelError, MissingExtraError
from perception_label.geometry.poses import EgoPoses, pose
from perception_label.readers.clouds import from_fields
from perception_label.readers.files import floats, numbered, refuse
from perception_label.readers.folder import CLOCK
from perception_label.readers.kitti import PERIOD_NS
from perception_label.readers.logs import path_of, time_warnings
from perception_label.readers.places import origin_of
from perception_label.readers.recording import Recording

SUFFIX = ".e57"
GPS_EPOCH_S = 315_964_800
LEAP_S = 18  # of GPS time ahead of UTC, since 2017
LARGEST_XML = 1 << 26
MOST_SCANS = 1_000_000
CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
OTHERS = {"intensity": np.float32, "rowIndex": np.int64, "timeStamp": np.float64}
INVALID = ("cartesianInvalidState", "sphericalInvalidState")


def logs(path: Path) -> list[str]:
    """Return the name of the E57 log that the path is."""
    return [path.name] if _files(path) else []


def open_log(path: Path) -> Recording:
    """Open an E57 file, or a folder of them.

    Raises
    ------
    SourceError
        If it is none, or a scan has not what it must have.
    MissingExtraError
        If pye57 is not installed.
    """
    files = _files(path)
    if not files:
        raise refuse(path, "an E57 file or a folder of them", "another layout")
    scans = [(file, i) for file in files for i in range(_count(file))]
    if not scans:
        raise refuse(path, "at least one scan", "none")
    told = [_header(file, i) for file, i in scans]
    seconds = [h.start_s for h in told]
    known = [s for s in seconds if s is not None]
    has_times = len(set(known)) == len(scans)
    times = np.arange(len(scans), dtype=np.int64) * PERIOD_NS
    if has_times:
        unix = np.array(known) + GPS_EPOCH_S - LEAP_S
        times = np.round(unix * 1e6).astype(np.int64) * 1000
    poses, origin, warnings = _path(path, told, times)
    return Recording(
        log_id=path.stem,
        format="e57",
        lidar="scanner",
        timestamps_ns=times,
        ego_from_lidar=np.eye(4),
        source=E57Sweeps(tuple(scans), times),
        ego_poses=poses,
        files=files,
        warnings=[*([] if has_times else [CLOCK]), *warnings, *time_warnings(times)],
        origin_m=(float(origin[0]), float(origin[1]), float(origin[2])),
    )


@dataclass(frozen=True, slots=True)
class E57Sweeps:
    """Reads scan i of one or several files."""

    scans: tuple[tuple[Path, int], ...]
    timestamps_ns: Ints

    def __call__(self, i: int) -> Sweep:
        """Return scan i in the scanner's frame."""
        path, number = self.scans[i]
        return from_fields(path, _points(path, number)).sweep(int(self.timestamps_ns[i]))


@dataclass(frozen=True, slots=True)
class _Header:
    """What a scan says of itself: when it began (GPS seconds), and where it was taken."""

    start_s: float | None
    position_m: tuple[float, ...] | None
    rotation: tuple[float, ...] | None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    return numbered(path, [SUFFIX])


class _Opened:
    """An open file; errors of the library become ours."""

    def __init__(self, path: Path) -> None:
        try:
            from pye57 import libe57
        except ImportError:
            raise MissingExtraError(f"{path}: needs pye57: install perception-label[e57]") from None
        self.path, self.library = path, libe57
        _check_xml(path)

    def __enter__(self) -> "_Opened":
        try:
            self.image = self.library.ImageFile(str(self.path), "r")
            self.scans = self.image.root()["data3D"]
        except Exception as error:  # noqa: BLE001 - the library has one class of its own, and others
            raise refuse(self.path, "an E57 file", error) from None
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.image.close()
        if error is not None and isinstance(error, Exception) and not isinstance(error, LabelError):
            raise refuse(self.path, "a whole E57 file", error) from None


def _count(path: Path) -> int:
    with _Opened(path) as file:
        n = len(file.scans)
        if n > MOST_SCANS:
            raise refuse(path, f"at most {MOST_SCANS} scans", n)
    return n


def _header(path: Path, number: int) -> _Header:
    with _Opened(path) as file:
        scan = file.scans[number]
        start: float | None = None
        position: tuple[float, ...] | None = None
        rotation: tuple[float, ...] | None = None
        if scan.isDefined("acquisitionStart"):
            start = float(scan["acquisitionStart"]["dateTimeValue"].value())
            # Writers that do not know the time leave a zero.
            start = start if 0 < start < 1e10 else None
        if scan.isDefined("pose"):
            there = scan["pose"]
            position, rotation = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)
            if there.isDefined("translation"):
                position = tuple(float(there["translation"][k].value()) for k in "xyz")
            if there.isDefined("rotation"):
                rotation = tuple(float(there["rotation"][k].value()) for k in "wxyz")
    return _Header(start, position, rotation)


def _points(path: Path, number: int) -> Mapping[str, NDArray[Any]]:
    """Return the valid points of a scan as named columns."""
    with _Opened(path) as file:
        points = file.scans[number]["points"]
        n = points.childCount()
        if n > path.stat().st_size:
            raise refuse(path, f"{n} points", f"{path.stat().st_size} bytes: cut short?")
        prototype = file.library.StructureNode(points.prototype())
        there = [prototype.get(k).elementName() for k in range(prototype.childCount())]
        axes = next((a for a in (CARTESIAN, SPHERICAL) if set(a) <= set(there)), None)
        if axes is None:
            raise refuse(path, f"fields {', '.join(CARTESIAN)}", ", ".join(there))
        kinds: dict[str, Any] = dict.fromkeys(axes, np.float64)
        kinds |= {name: kind for name, kind in OTHERS.items() if name in there}
        kinds |= {name: np.int8 for name in INVALID if name in there}
        columns = {name: np.zeros(n, kind) for name, kind in kinds.items()}
        buffers = file.library.VectorSourceDestBuffer()
        for name, array in columns.items():
            buffers.append(
                file.library.SourceDestBuffer(file.image, name, array, max(n, 1), True, True)
            )
        if n and points.reader(buffers).read() != n:
            raise refuse(path, f"{n} points", "fewer: cut short?")
    valid = np.ones(n, dtype=np.bool_)
    for name in INVALID:
        valid &= columns.get(name, np.zeros(n)) == 0
    kept = {name: values[valid] for name, values in columns.items()}
    first, second, third = (kept[name] for name in axes)
    if axes is SPHERICAL:
        flat = first * np.cos(third)
        axes_xyz = (flat * np.cos(second), flat * np.sin(second), first * np.sin(third))
    else:
        axes_xyz = (first, second, third)
    names = {"intensity": "intensity", "rowIndex": "ring", "timeStamp": "timestamp"}
    others = {ours: kept[name] for name, ours in names.items() if name in kept}
    return dict(zip("xyz", axes_xyz, strict=True)) | others


def _path(
    path: Path, told: list[_Header], times: Ints
) -> tuple[EgoPoses | None, Floats, list[str]]:
    """Return the scanner's poses from a local origin, and that origin."""
    if not all(h.position_m is not None for h in told):
        return None, np.zeros(3), []
    places = floats(path, [h.position_m for h in told], (-1, 3), "pose")
    turns = floats(path, [h.rotation for h in told], (-1, 4), "pose")
    if np.abs(np.linalg.norm(turns, axis=1) - 1).max() > 0.01:
        raise refuse(path, "unit quaternions", "others")
    origin = origin_of(places)
    warnings = [f"poses are far from 0: stored from {origin.tolist()} m"] if origin.any() else []
    return path_of(times, pose(places - origin, turns)), origin, warnings


def _check_xml(path: Path) -> None:
    """Refuse a header that cannot be, and XML that defines anything: its parser would follow it."""
    try:
        with path.open("rb") as file:
            head = file.read(48)
            if head[:8] != b"ASTM-E57" or len(head) < 48:
                raise refuse(path, "an E57 file", f"{len(head)} bytes that are none")
            at, n, page = struct.unpack_from("<QQQ", head, 24)
            size = path.stat().st_size
            if page != 1024 or n > min(LARGEST_XML, size) or at > size:
                raise refuse(
                    path, f"XML within {size} bytes", "a header that says more: cut short?"
                )
            file.seek(at)
            data = file.read(n + n // 1000 * 4 + 2048)
    except OSError as error:
        raise refuse(path, "a readable file", error.strerror or error) from None
    # The last four bytes of every page are its checksum.
    kept, left = bytearray(), page - at % page
    while data:
        kept += data[: max(left - 4, 0)]
        data, left = data[left:], page
    if b"<!DOCTYPE" in kept[:n] or b"<!ENTITY" in kept[:n]:
        raise refuse(path, "XML without entities", "a DTD")
