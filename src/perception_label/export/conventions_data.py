"""What the formats of dataset hubs, trainers and 2-D tools mean by their numbers.

Rows of `conventions.CONVENTIONS`, as plain texts; what is not said is as in our own tables.
"""

DATA: dict[str, dict[str, str]] = {
    "huggingface": {
        "coordinate_frame": "config boxes: world of the log, `origin_m` added gives the source's "
        "coordinates; config sweeps: the LiDAR at each sweep, with `world_from_lidar`; 2-D labels: "
        "pixels, edges from 0",
        "yaw": "boxes: 0 along +x, counter-clockwise about +z, in [-pi, pi); sweeps: a quaternion "
        "w, x, y, z",
        "precision": "none; points float32",
    },
    "croissant": {"precision": "none, the float64 itself"},
}
