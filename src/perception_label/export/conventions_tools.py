"""What the export formats of other labelling tools, viewers and dataset hubs mean by their numbers.

Rows of `conventions.CONVENTIONS`, as plain texts.
"""

TOOLS: dict[str, dict[str, str]] = {
    "mcap": {
        "coordinate_frame": "`world`; FrameTransform messages lead from there to `ego` and sensors",
        "axes": "x and y level, z up, right-handed",
        "yaw": "quaternion x, y, z, w; 0 along +x, counter-clockwise about +z",
        "origin": "middle of the box",
        "size_order": "x length, y width, z height",
        "units": "metres",
        "time": "protobuf Timestamp, nanoseconds on the source's clock",
        "tracks": "entity `id`, any text",
        "precision": "none, float64",
        "not_held": "n_points, source, expected_iou, revision",
    },
}
