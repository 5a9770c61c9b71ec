"""The bytes that points travel in: shuffled, quantised, drawn while they arrive.

Layout, little endian: `PLS1`, uint32 length of the header, the header (JSON, padded with spaces
to 8 bytes), then 8 bytes per point: uint16 x, y, z and intensity. A position is
`origin + scale * xyz`, metres, sensor frame. Points are shuffled once, always the same way, so
every prefix is a fair sample of the sweep.
"""

import json
import struct

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Ints, Points
from perception_label.errors import SourceError

MAGIC = b"PLS1"
STEPS = 65535  # of uint16
LEAST_RANGE_M = 3.0  # of heights in the colour map: flat scenes are not stretched to noise

_SEED = 20


def shuffled(n: int) -> Ints:
    """Return the order that n points travel in."""
    return np.random.default_rng([_SEED, n]).permutation(n)


def pack(points_m: Points, intensity: NDArray[np.float32] | None) -> bytes:
    """Return the container of a sweep; points that are not finite are left out.

    Parameters
    ----------
    points_m : (N, 3) float32
        Sensor frame, metres.
    intensity : (N,) float32 or None
        Any scale; it is stretched to its 99th percentile.
    """
    # By columns, and shuffled last as whole rows: several times quicker.
    columns = np.ascontiguousarray(np.asarray(points_m, dtype=np.float32).T)
    finite = np.isfinite(columns).all(axis=0)
    if not finite.all():
        columns = columns[:, finite]
    n = columns.shape[1]
    order = shuffled(n)
    low = columns.min(axis=1) if n else np.zeros(3, dtype=np.float32)
    high = columns.max(axis=1) if n else low
    scale = np.maximum((high - low).astype(np.float64) / STEPS, 1e-6)
    out = np.zeros((n, 4), dtype="<u2")
    for axis in range(3):
        out[:, axis] = np.rint((columns[axis] - low[axis]) * np.float32(1 / scale[axis]))
    if intensity is not None and n:
        value = np.nan_to_num(np.asarray(intensity, dtype=np.float32)[finite])
        most = max(float(np.quantile(value[order][:: max(1, n // 20_000)], 0.99)), 1e-9)
        out[:, 3] = np.clip(value * np.float32(STEPS / most), 0.0, STEPS)
    z = np.quantile(columns[2, order[:20_000]], [0.01, 0.99]).tolist() if n else [0.0, 0.0]
    header = {
        "n": n,
        "origin": low.astype(np.float64).tolist(),
        "scale": scale.tolist(),
        "z_range": [z[0], max(z[1], z[0] + LEAST_RANGE_M)],
        "has_intensity": intensity is not None,
    }
    text = json.dumps(header).encode()
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % 8)
    rows = out.view("<u8").ravel()[order]
    return MAGIC + struct.pack("<I", len(text)) + text + rows.tobytes()


def unpack(packed: bytes) -> tuple[Points, NDArray[np.float32] | None]:
    """Return the points of a container, (N, 3) float32, and their intensity from 0 to 1 or None.

    A position is off by half a step of its axis at most: the sweep's extent / 131,070.

    Raises
    ------
    SourceError
        If it is no container, or not all of one.
    """
    start = len(MAGIC) + 4
    if packed[: len(MAGIC)] != MAGIC or len(packed) < start:
        raise SourceError(f"points: expected {MAGIC!r}, got {packed[:4]!r}")
    start += struct.unpack_from("<I", packed, len(MAGIC))[0]
    try:
        header = json.loads(packed[len(MAGIC) + 4 : start])
        rows = np.frombuffer(packed, dtype="<u2", offset=start).reshape(header["n"], 4)
    except (ValueError, KeyError) as error:
        raise SourceError(f"points: expected a whole container, got: {error}") from None
    points_m = np.asarray(header["origin"]) + rows[:, :3] * np.asarray(header["scale"])
    intensity = (rows[:, 3] / STEPS).astype(np.float32) if header["has_intensity"] else None
    return points_m.astype(np.float32), intensity
