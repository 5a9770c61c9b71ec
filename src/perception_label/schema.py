"""Arrow schemas of the tables at rest: the only place column names are spelled."""

import pyarrow as pa

VERSION = 1

_XYZ = pa.list_(pa.field("item", pa.float32(), nullable=False), 3)


def _table(name: str, fields: list[pa.Field]) -> pa.Schema:
    meta = {"perception_label.table": name, "perception_label.version": str(VERSION)}
    return pa.schema(fields, metadata=meta)


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


# One record batch per sweep; the optional columns are there if the source has them.
SWEEP_POINTS = _required("points_m", _XYZ)
SWEEP_CHANNELS = {
    "intensity": pa.float32(),
    "ring": pa.uint16(),
    "time_offset_ns": pa.int32(),
    "lidar": pa.uint8(),
}


def sweep_schema(channels: tuple[str, ...]) -> pa.Schema:
    """Return the schema of a log's sweeps that carry these channels."""
    fields = [_required(c, SWEEP_CHANNELS[c]) for c in SWEEP_CHANNELS if c in channels]
    return _table("sweeps", [SWEEP_POINTS, *fields])


# What each record batch of a log's sweeps holds, so that opening a log reads no points.
SWEEPS = _table(
    "sweep_index",
    [_required(n, pa.int64()) for n in ("timestamp_ns", "n_points", "n_not_finite")],
)

# The ground of a log: heights of square cells (`cloud.evidence`), world frame less an origin.
GROUND = _table("ground", [_required("cell", pa.int64()), _required("height_m", pa.float32())])

EGO_POSES = _table(
    "ego_poses",
    [
        _required("timestamp_ns", pa.int64()),
        *(_required(n, pa.float64()) for n in ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")),
    ],
)

IMAGES = _table(
    "images",
    [
        _required("timestamp_ns", pa.int64()),
        _required("path", pa.string()),
        # Where in the video at `path` the image lies, in the video's own clock; null: no video.
        pa.field("presentation_ns", pa.int64()),
    ],
)

CUBOIDS = _table(
    "cuboids",
    [
        _required("timestamp_ns", pa.int64()),
        _required("track_id", pa.dictionary(pa.int32(), pa.string())),
        _required("class_name", pa.dictionary(pa.int16(), pa.string())),
        *(_required(n, pa.float64()) for n in ("x_m", "y_m", "z_m")),
        *(_required(n, pa.float64()) for n in ("length_m", "width_m", "height_m", "yaw_rad")),
        _required("score", pa.float64()),
        _required("n_points", pa.int64()),
        _required("source", pa.dictionary(pa.int16(), pa.string())),
        pa.field("expected_iou", pa.float64()),
        _required("revision", pa.int64()),
    ],
)
# Columns that came later, with what a table without them means: nobody knows.
CUBOIDS_UNKNOWN = {"expected_iou": None, "revision": -1}

# What `source` says of a box that a person set here, and what ends it if another tool's file says
# that a person set it there.
HUMAN = "human"
KEY = ":key"


def is_key_source(source: str) -> bool:
    """Tell whether a box of this source is a keyframe, not worked out between keyframes."""
    return source == HUMAN or source.endswith(KEY)


# 2-D labels on camera images: one row per track, kind of geometry and image.
BOXES_2D = _table(
    "boxes_2d",
    [
        _required("camera", pa.dictionary(pa.int16(), pa.string())),
        _required("image", pa.int64()),
        _required("timestamp_ns", pa.int64()),
        _required("track_id", pa.dictionary(pa.int32(), pa.string())),
        _required("class_name", pa.dictionary(pa.int16(), pa.string())),
        _required("geometry", pa.dictionary(pa.int16(), pa.string())),
        # The box itself, or the one around the shape; null where nobody worked it out.
        *(pa.field(n, pa.float64()) for n in ("x0_px", "y0_px", "x1_px", "y1_px")),
        # What is not a box: x0 y0 x1 y1 … of each part; a mask as COCO's runs, (height, width).
        pa.field("points_px", pa.list_(pa.list_(pa.float64()))),
        pa.field("keypoint_visibility", pa.list_(pa.int8())),
        pa.field("mask_counts", pa.string()),
        pa.field("mask_size_px", pa.list_(pa.int32(), 2)),
        _required("is_key", pa.bool_()),
        _required("visible", pa.bool_()),
        _required("score", pa.float64()),
        pa.field("expected_iou", pa.float64()),
        _required("source", pa.dictionary(pa.int16(), pa.string())),
        _required("revision", pa.int64()),
    ],
)

TRACKS = _table(
    "tracks",
    [
        _required("track_id", pa.string()),
        _required("class_name", pa.string()),
        _required("first_timestamp_ns", pa.int64()),
        _required("last_timestamp_ns", pa.int64()),
        _required("n_boxes", pa.int64()),
        *(_required(n, pa.float64()) for n in ("length_m", "width_m", "height_m", "score")),
    ],
)
