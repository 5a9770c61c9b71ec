"""The cameras of a Waymo segment: calibration, and pictures inside a Parquet file."""

from functools import partial
from pathlib import Path

import numpy as np

from perception_label.geometry.cameras import Camera
from perception_label.readers.files import floats, refuse, to_ns
from perception_label.readers.parquet_rows import ParquetRows, read_columns
from perception_label.readers.recording import Pictures
from perception_label.readers.waymo_tables import rigid, whole_numbers

CAMERAS = {1: "FRONT", 2: "FRONT_LEFT", 3: "FRONT_RIGHT", 4: "SIDE_LEFT", 5: "SIDE_RIGHT"}
NAME = "key.camera_name"
CALIBRATION = "[CameraCalibrationComponent]."
LENS = ("f_u", "f_v", "c_u", "c_v", "k1", "k2", "p1", "p2", "k3")
IMAGE, TAKEN = "[CameraImageComponent].image", "[CameraImageComponent].pose_timestamp"
# The source's camera looks along x, with y left and z up.
CAMERA_FROM_OPTICAL = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
LARGEST_PICTURE = 1 << 26


def read_cameras(
    calibration: Path, images: Path
) -> tuple[dict[str, Camera], dict[str, Pictures], list[str]]:
    """Return the cameras with pictures, their pictures, and what was left out."""
    if not images.is_file():
        return {}, {}, []
    if not calibration.is_file():
        return {}, {}, ["pictures of all cameras: no camera_calibration of the segment"]
    cameras = _calibrated(calibration)
    table = read_columns(images, (NAME, TAKEN))
    numbers = whole_numbers(images, table, NAME)
    times = to_ns(images, table.column(TAKEN).to_numpy(zero_copy_only=False), TAKEN)
    rows = ParquetRows(images, (IMAGE,))
    pictures, left_out = {}, []
    for number in np.unique(numbers).tolist():
        name, mine = CAMERAS.get(number), np.flatnonzero(numbers == number)
        if name is None or name not in cameras:
            left_out.append(f"{len(mine)} pictures of camera {number}, which has no calibration")
            continue
        stamps, first = np.unique(times[mine], return_index=True)
        if len(stamps) < len(mine):
            left_out.append(f"{len(mine) - len(stamps)} pictures of {name} at another's time")
        pictures[name] = Pictures(stamps, partial(_picture, rows, tuple(mine[first].tolist())))
    return {name: cameras[name] for name in pictures}, pictures, left_out


def _calibrated(path: Path) -> dict[str, Camera]:
    columns = [*(f"intrinsic.{n}" for n in LENS), "width", "height", "extrinsic.transform"]
    table = read_columns(path, (NAME, *(CALIBRATION + c for c in columns)))
    mounts = rigid(path, table, CALIBRATION + "extrinsic.transform")
    numbers = np.column_stack(
        [
            floats(path, table.column(CALIBRATION + c).to_numpy(zero_copy_only=False), (-1,), c)
            for c in columns[:-1]
        ]
    )
    out = {}
    for i, number in enumerate(whole_numbers(path, table, NAME).tolist()):
        if number not in CAMERAS:
            continue
        fu, fv, cu, cv, *bend, width, height = numbers[i].tolist()
        if min(fu, fv, width, height) <= 0:
            raise refuse(path, "focal lengths and sizes above 0", [fu, fv, width, height])
        # The source counts from the first pixel's edge, we from its centre.
        matrix = ((fu, 0.0, cu - 0.5), (0.0, fv, cv - 0.5), (0.0, 0.0, 1.0))
        mount = mounts[i] @ CAMERA_FROM_OPTICAL
        out[CAMERAS[number]] = Camera(int(width), int(height), matrix, mount, tuple(bend))
    return out


def _picture(rows: ParquetRows, numbers: tuple[int, ...], i: int) -> bytes:
    data = rows.row(numbers[i])[IMAGE].as_py()
    if not isinstance(data, bytes) or not data or len(data) > LARGEST_PICTURE:
        raise refuse(rows.path, "the bytes of a picture", f"{type(data).__name__} in row {i}")
    return data
