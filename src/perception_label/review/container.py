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
    finite = np.flatnonzero(np.isfinite(points_m).all(axis=1))
    order = finite[shuffled(len(finite))]
    xyz = np.asarray(points_m)[order].astype(np.float64)
    low = xyz.min(axis=0) if len(xyz) else np.zeros(3)
    high = xyz.max(axis=0) if len(xyz) else np.zeros(3)
    scale = np.maximum((high - low) / STEPS, 1e-6)
    out = np.zeros((len(xyz), 4), dtype="<u2")
    out[:, :3] = np.rint((xyz - low) / scale)
    if intensity is not None and len(xyz):
        value = np.nan_to_num(np.asarray(intensity, dtype=np.float64)[order])
        most = max(float(np.quantile(value[:: max(1, len(value) // 20_000)], 0.99)), 1e-9)
        out[:, 3] = np.clip(value / most, 0.0, 1.0) * STEPS
    z = np.quantile(xyz[:20_000, 2], [0.01, 0.99]).tolist() if len(xyz) else [0.0, 0.0]
    header = {
        "n": len(xyz),
        "origin": low.tolist(),
        "scale": scale.tolist(),
        "z_range": [z[0], max(z[1], z[0] + LEAST_RANGE_M)],
        "has_intensity": intensity is not None,
    }
    text = json.dumps(header).encode()
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % 8)
    return MAGIC + struct.pack("<I", len(text)) + text + out.tobytes()


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
