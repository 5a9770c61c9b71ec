"""TFRecord, read by the `tfrecord` package; checksums by `crc32c`."""

import io
import struct

import numpy as np
from checks import client


def masked(data):
    import crc32c

    value = crc32c.crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def sound(path):
    data, at, n = path.read_bytes(), 0, 0
    while at < len(data):
        length, first = struct.unpack_from("<QI", data, at)
        body = data[at + 12 : at + 12 + length]
        (second,) = struct.unpack_from("<I", data, at + 12 + length)
        if first != masked(data[at : at + 8]) or second != masked(body):
            return -1
        at, n = at + 16 + length, n + 1
    return n


def matrices(wxyz):
    w, x, y, z = np.reshape(wxyz, (-1, 4)).T
    return np.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        axis=-1,
    ).reshape(-1, 3, 3)  # fmt: skip


@client("tfrecord")
def check(checks):
    from PIL import Image
    from tfrecord.reader import tfrecord_loader

    root = checks.folder / "tfrecord/hill-1"
    n_sweeps = len(checks.truth["timestamps_ns"])
    for path in sorted(root.iterdir()):
        n = sound(path)
        checks.that(f"{path.name}: checksums of every record", n == n_sweeps, n)
    centers, ahead, counts, keys = [], [], [], []
    for row in tfrecord_loader(str(root / "sweeps.tfrecord"), None, None):
        truth = checks.rows(int(row["sweep/number"][0]))
        points = np.frombuffer(row["sweep/points/xyz_m"], "<f4").reshape(-1, 3)
        center = row["sweep/object/center_m"].reshape(-1, 3)
        size = row["sweep/object/size_m"].reshape(-1, 3)
        turned = matrices(row["sweep/object/rotation_wxyz"])
        for k, track in enumerate(row["sweep/object/track_id"]):
            box = truth[bytes(track).decode()]
            centers += list(center[k] - box["lidar_center_m"])
            ahead += list(turned[k][:, 0] - box["lidar_heading"])
            local = np.abs((points - center[k]) @ turned[k])
            inside = (local <= size[k] / 2).all(axis=1).sum()
            counts.append(int(inside) - box["n_points"])
            keys.append(bool(row["sweep/object/is_key"][k]) != box["is_key"])
    checks.near("centres in the LiDAR frame of a moving ego", centers)
    checks.near("headings in that frame", ahead)
    checks.near("points in each box", counts, 0)
    checks.near("keyframes told from the rest", keys, 0)
    sizes = []
    for row in tfrecord_loader(str(root / "front.tfrecord"), None, None):
        with Image.open(io.BytesIO(row["image/encoded"])) as picture:
            sizes.append(picture.size == (row["image/width"][0], row["image/height"][0]))
    checks.that("every picture opens", sizes and all(sizes), len(sizes))
