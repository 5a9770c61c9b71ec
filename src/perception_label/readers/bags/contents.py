"""What clouds, pictures and camera calibrations of a bag hold, as the rest of the code has it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perception_label.arrays import Floats, Pose
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cameras import Camera
from perception_label.geometry.poses import pose
from perception_label.readers.bags.decode import BROKEN, decode
from perception_label.readers.bags.packed import Message
from perception_label.readers.clouds import Cloud, from_fields
from perception_label.readers.files import refuse

# Of a field of a cloud, by the number that stands for it.
_ROS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
_FOXGLOVE = {1: "u1", 2: "i1", 3: "u2", 4: "i2", 5: "u4", 6: "i4", 7: "f4", 8: "f8"}
_BYTES = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1, "8UC3": 3,
          "mono16": 2, "16UC1": 2}  # fmt: skip
_BAYER = {"rggb": (0, 1, 1, 2), "bggr": (2, 1, 1, 0), "gbrg": (1, 2, 0, 1), "grbg": (1, 0, 2, 1)}
_LENSES = {
    "": "pinhole", "plumb_bob": "pinhole", "rational_polynomial": "pinhole", "none": "pinhole",
    "radial-tangential": "pinhole", "equidistant": "fisheye", "kannala_brandt": "fisheye",
    "fisheye": "fisheye",
}  # fmt: skip
MAGIC = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png"}


def cloud_of(path: Path, message: Message) -> Cloud:
    """Return a cloud's points in its own coordinate frame, with intensity, ring and time.

    Raises
    ------
    SourceError
        If it is no cloud with x, y, z, or its data are fewer than it says.
    """
    try:
        value = decode(message)
        is_ros = message.encoding != "protobuf"
        n_rows, n_columns, step, row_step = _grid(value, is_ros)
        kinds, order = (_ROS, "<>"[bool(value.is_bigendian)]) if is_ros else (_FOXGLOVE, "<")
        data = value.data.tobytes() if is_ros else value.data
        fields = {}
        for field in value.fields:
            code = field.datatype if is_ros else field.type
            if code not in kinds or (is_ros and field.count > 1):
                continue
            dtype = np.dtype(order + kinds[code])
            if field.offset + dtype.itemsize > step:
                raise ValueError(f"field {field.name[:20]} beyond the {step} bytes of a point")
            if n_rows and n_columns:
                grid = np.ndarray(
                    (n_rows, n_columns), dtype, data, int(field.offset), (row_step, step)
                )
                fields[field.name] = np.ascontiguousarray(grid.reshape(-1)).astype(
                    dtype.newbyteorder("="), copy=False
                )
            else:
                fields[field.name] = np.empty(0, dtype.newbyteorder("="))
    except BROKEN as error:
        raise refuse(path, "a point cloud", error) from None
    cloud = from_fields(path, fields)
    return cloud if is_ros or not value.HasField("pose") else cloud.moved(_placed(path, value.pose))


def _placed(path: Path, at: Any) -> Pose:
    """Return where a foxglove cloud's points lie in its coordinate frame."""
    turn = np.array([at.orientation.w, at.orientation.x, at.orientation.y, at.orientation.z])
    where = np.array([at.position.x, at.position.y, at.position.z])
    if not (np.isfinite(turn).all() and max(np.abs(turn).max(), np.abs(where).max()) < 1e9):
        raise refuse(path, "a cloud's pose", "one that is not finite")
    length = float(np.linalg.norm(turn))
    # Protobuf leaves zeros out: a pose of nothing is the identity.
    return pose(where, turn / length if length > 1e-9 else [1, 0, 0, 0])


def _grid(value: Any, is_ros: bool) -> tuple[int, int, int, int]:
    """Return rows, columns, bytes of a point and of a row, which the data must hold."""
    if not is_ros:
        step = int(value.point_stride)
        if step <= 0 or len(value.data) % step:
            raise ValueError(f"{len(value.data)} bytes of points of {step}")
        return 1, len(value.data) // step, step, len(value.data)
    n_rows, n_columns = int(value.height), int(value.width)
    step, row_step = int(value.point_step), int(value.row_step)
    if n_rows * n_columns == 0:
        return 0, 0, max(step, 0), 0
    if n_rows == 1:
        row_step = max(row_step, n_columns * step)
    if row_step < n_columns * step or len(value.data) < (n_rows - 1) * row_step + n_columns * step:
        raise ValueError(f"{len(value.data)} bytes of {n_rows} x {n_columns} points of {step}")
    return n_rows, n_columns, step, row_step


def picture_of(path: Path, message: Message) -> bytes:
    """Return a picture as the bytes of a JPEG or PNG file; raw ones are packed as PNG.

    Raises
    ------
    SourceError
        If it is in an encoding that is not read, or its data are fewer than it says.
    """
    try:
        value = decode(message)
        data = bytes(value.data)
        if message.kind.endswith("CompressedImage"):
            if not any(data.startswith(magic) for magic in MAGIC):
                raise ValueError(f"a picture of format {value.format[:40]!r}")
            return data
        return _png(value, data)
    except BROKEN as error:
        raise refuse(path, "a JPEG, PNG or raw picture", error) from None


def _png(value: Any, data: bytes) -> bytes:
    height, width, step = int(value.height), int(value.width), int(value.step)
    encoding = value.encoding
    n_bytes = _BYTES.get(encoding, 1 if encoding.startswith("bayer_") else 0)
    if not n_bytes or (encoding.startswith("bayer_") and not encoding.endswith("8")):
        raise ValueError(f"a picture of encoding {encoding[:40]!r}")
    step = step or width * n_bytes
    if not (width and height) or step < width * n_bytes or len(data) < step * height:
        raise ValueError(f"{len(data)} bytes of {width} x {height} pixels of {encoding}")
    rows = np.frombuffer(data, np.uint8, step * height).reshape(height, step)
    pixels = rows[:, : width * n_bytes].reshape(height, width, n_bytes)
    if encoding.startswith("bayer_"):
        shown = _bayer(pixels[..., 0], _BAYER[encoding[6:10]])
    elif n_bytes == 2:
        order = ">u2" if getattr(value, "is_bigendian", 0) else "<u2"
        shown = np.ascontiguousarray(pixels).view(order)[..., 0].astype(np.uint16)
    elif encoding.startswith("bgr"):
        shown = pixels[..., 2::-1]
    else:
        shown = pixels[..., :3] if n_bytes > 1 else pixels[..., 0]
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _bayer(mosaic: NDArray[np.uint8], channels: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a colour picture whose 2 x 2 cells have one colour each, green as the mean."""
    height, width = (n - n % 2 for n in mosaic.shape)
    cells = [mosaic[y:height:2, x:width:2].astype(np.uint16) for y in (0, 1) for x in (0, 1)]
    small = np.zeros((height // 2, width // 2, 3), np.uint16)
    for channel, cell in zip(channels, cells, strict=True):
        small[..., channel] += cell
    small[..., 1] //= 2
    full = small.repeat(2, axis=0).repeat(2, axis=1)
    # An odd last row or column repeats its neighbour.
    pad = ((0, mosaic.shape[0] - height), (0, mosaic.shape[1] - width), (0, 0))
    return np.pad(full, pad, mode="edge").astype(np.uint8)


def camera_of(message: Message, ego_from_camera: Pose, is_rectified: bool) -> Camera:
    """Return a camera's calibration; rectified pictures have the projection's lens.

    Raises
    ------
    ValueError
        If the calibration is none, or of a lens model that is not known.
    """
    value = decode(message)
    try:
        lens = [float(v) for v in (value.d if hasattr(value, "d") else value.D)]
        matrix = _matrix(value.k if hasattr(value, "k") else value.K, 3)
        model = _LENSES.get(value.distortion_model)
        if is_rectified:
            matrix, lens = _matrix(value.p if hasattr(value, "p") else value.P, 4)[:, :3], []
        if model is None:
            raise ValueError(f"distortion model {value.distortion_model[:40]!r}")
        if not any(lens):
            lens = []
        rows = tuple((float(r[0]), float(r[1]), float(r[2])) for r in matrix)
        size = int(value.width), int(value.height)
        if min(size) <= 0:
            raise ValueError(f"{size[0]} x {size[1]} pixels")
        camera = Camera(*size, rows, ego_from_camera, tuple(lens), model)
        camera.lens()
    except (SettingError, ShapeError) as error:
        raise ValueError(str(error)) from None
    except BROKEN as error:
        raise ValueError(f"no calibration: {error}") from None
    return camera


def _matrix(values: Any, columns: int) -> Floats:
    return np.array([float(v) for v in values]).reshape(3, columns)
