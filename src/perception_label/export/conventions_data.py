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
    "tfrecord": {
        "coordinate_frame": "the LiDAR at each sweep, with `sweep/world_from_lidar`; 2-D labels: "
        "shares of the image's width and height",
        "axes": "the LiDAR's; x ahead, y left, z up where it stands level",
        "yaw": "quaternion w, x, y, z: turns the box's axes (ahead, left, up) to the LiDAR's",
        "time": "`sweep/timestamp_ns`, `image/timestamp_ns`, int64 nanoseconds on the source's "
        "clock",
        "tracks": "`object/track_id`, any text",
        "precision": "float32: 1e-5 m within 100 m; poses float64",
        "not_held": "expected_iou, revision; shapes other than boxes: the boxes around them",
    },
    "rerun": {
        "coordinate_frame": "`world` of the log; Transform3D lead from `world/ego/<sensor>` there; "
        "2-D labels: pixels, edges from 0",
        "yaw": "quaternion x, y, z, w; 0 along +x, counter-clockwise about +z",
        "size_order": "half the length, half the width, half the height",
        "time": "timeline `time`, nanoseconds on the source's clock; timeline `sweep`, its number",
        "precision": "float32: 1e-4 m within 1 km of the world's origin",
        "not_held": "expected_iou, revision; shapes other than boxes: the boxes around them; lens "
        "distortion",
    },
    "datumaro": {
        "coordinate_frame": "the LiDAR at each sweep; 2-D labels: the camera's image, edges from 0",
        "axes": "the LiDAR's; x ahead, y left, z up where it stands level",
        "yaw": "`rotation` about x, y, z, each axis as the turn before left it: Rx Ry Rz",
        "size_order": "`scale`: length, width, height; 2-D: left, top, width, height",
        "time": "`attr.timestamp_ns`; `attr.frame` is the number of the sweep or image, from 0",
        "tracks": "attribute `track_id`, any text",
        "precision": "none (Datumaro itself rounds cuboids to 0.01 m and 0.01 rad)",
        "not_held": "ego poses, n_points, expected_iou, revision",
    },
    "label-studio": {
        "coordinate_frame": "the camera's video",
        "axes": "x right, y down",
        "yaw": "none, upright rectangles",
        "origin": "left upper corner, 0 at the outer edge of the first pixel",
        "size_order": "`x`, `y`, `width`, `height`",
        "units": "per cent of the video's width and height",
        "time": "`frame`, number of the image from 1; `time`, `frame` by the rate `data.fps`, s",
        "tracks": "`meta.track_id`, any text",
        "precision": "none",
        "not_held": "cuboids; shapes other than boxes: the boxes around them; timestamps; revision",
    },
    "croissant": {"precision": "none, the float64 itself"},
}
