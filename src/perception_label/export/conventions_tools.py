"""What the export formats of other labelling tools, viewers and dataset hubs mean by their numbers.

Rows of `conventions.CONVENTIONS`, as plain texts.
"""

_AT_THE_LIDAR = {
    "coordinate_frame": "LiDAR at each sweep",
    "axes": "the LiDAR's own, those of its point clouds",
    "yaw": "turns about x, y, z, each about the axis as the one before left it: Rx Ry Rz; x and y "
    "are not 0 where the LiDAR is tilted",
    "origin": "middle of the box",
    "size_order": "x length, y width, z height",
    "units": "metres, radians",
    "precision": "none, the shortest text of the float64",
}

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
        "not_held": "n_points, expected_iou, revision; of the source only whether a person set the "
        "box (metadata `is_key`)",
    },
    "supervisely": {
        **_AT_THE_LIDAR,
        "time": "number of the sweep from 0; clouds are named by `timestamp_ns`",
        "tracks": "object `key`; its tag `track_id` has our text",
        "not_held": "ego poses, n_points, scores, expected_iou, revision; of the source only "
        "whether a person set the box (`nnCreated`)",
    },
    "sustech": {
        **_AT_THE_LIDAR,
        "time": "name of the file, number of the sweep from 0; side/ has its `timestamp_ns`",
        "tracks": "`obj_id`, any text",
        "not_held": "ego poses, n_points, scores, expected_iou, revision; of the source only "
        "whether a person set the box (`annotator`); side/ has attributes",
    },
}
