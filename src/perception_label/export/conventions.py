"""What each export format means by its numbers: one table, which docs and tests read."""

from dataclasses import asdict, dataclass

from perception_label.export.conventions_data import DATA
from perception_label.export.conventions_datasets import DATASETS
from perception_label.export.conventions_flat import FLAT
from perception_label.export.conventions_tools import TOOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How one format states a cuboid.

    Attributes
    ----------
    coordinate_frame : str
        What positions and headings are relative to.
    axes : str
        Where x, y and z point.
    yaw : str
        Where the length axis points at zero, and which way the angle turns.
    origin : str
        Which point of the cuboid its position is.
    size_order : str
        Order of the three sizes.
    units : str
        Of lengths and angles.
    time : str
        What says when a box was.
    tracks : str
        How a track is named.
    precision : str
        Largest rounding of a written number.
    not_held : str
        What of a box the format has no place for.
    """

    coordinate_frame: str
    axes: str
    yaw: str
    origin: str
    size_order: str
    units: str
    time: str
    tracks: str
    precision: str
    not_held: str


_OWN = {
    "coordinate_frame": "world of the log; `origin_m` added gives the source's coordinates",
    "axes": "x and y level, z up, right-handed",
    "yaw": "0 along +x, counter-clockwise about +z, in [-pi, pi)",
    "origin": "middle of the box",
    "size_order": "length, width, height",
    "units": "metres, radians",
    "time": "`timestamp_ns`, int64 nanoseconds on the source's clock",
    "tracks": "`track_id`, any text",
    "not_held": "nothing",
}
CONVENTIONS: dict[str, Convention] = {
    "parquet": Convention(**_OWN, precision="none, the float64 itself"),
    "csv": Convention(**_OWN, precision="none, the shortest text of the float64"),
    "jsonl": Convention(**_OWN, precision="none, the shortest text of the float64"),
    "kitti-tracking": Convention(
        coordinate_frame="rectified camera at each sweep: the forward camera's own, or, where "
        "the log has none, at the LiDAR; calib/ and oxts/ lead from there to the world",
        axes="x right, y down, z ahead",
        yaw="rotation_y: 0 along +x, turning towards -z about +y (down), in [-pi, pi)",
        origin="middle of the bottom face",
        size_order="height, width, length",
        units="metres, radians; 2-D boxes in pixels",
        time="number of the sweep from 0; side/ has its `timestamp_ns`",
        tracks="whole number from 0; side/ has its `track_id` and class",
        precision="1e-6 m, 1e-6 rad, 0.01 px",
        not_held="n_points, source, expected_iou, revision; classes KITTI lacks are written "
        "Misc, side/ keeps them",
    ),
    "kitti-object": Convention(
        coordinate_frame="rectified camera at each sweep: the forward camera's own, or, where "
        "the log has none, at the LiDAR; calib/ leads from there to the LiDAR",
        axes="x right, y down, z ahead",
        yaw="rotation_y: 0 along +x, turning towards -z about +y (down), in [-pi, pi)",
        origin="middle of the bottom face",
        size_order="height, width, length",
        units="metres, radians; 2-D boxes in pixels",
        time="number of the file; side/ has its log and `timestamp_ns`",
        tracks="none; side/ has `track_id` and class of each line",
        precision="1e-6 m, 1e-6 rad, 0.01 px",
        not_held="ego poses, n_points, source, expected_iou, revision; classes KITTI lacks are "
        "written Misc, side/ keeps them; occlusion is 3, unknown",
    ),
    "kitti-raw": Convention(
        coordinate_frame="LiDAR at each sweep; calib_imu_to_velo.txt and oxts/ lead to the world",
        axes="the LiDAR's own, KITTI's being x ahead, y left, z up",
        yaw="rz: 0 along +x, counter-clockwise about +z; rx and ry are 0; on a slope the one from "
        "which a projection to the world gives the world's yaw",
        origin="middle of the bottom face",
        size_order="height, width, length, one for all boxes of a tracklet",
        units="metres, radians",
        time="number of the sweep from first_frame on; timestamps.txt in UTC to the nanosecond",
        tracks="order in the file; side/ has `track_id` and class of each tracklet",
        precision="1e-6 m, 1e-8 rad",
        not_held="n_points, source (but state: 2 keyframe, 1 between), expected_iou, revision, "
        "sizes that change; classes KITTI lacks are written Misc, side/ keeps them",
    ),
    "openlabel": Convention(
        coordinate_frame="`ego` at each sweep; the instant's `ego_to_world` takes ego coordinates "
        "to the world's, `pose_wrt_parent` a sensor's to ego's",
        axes="x ahead, y left, z up; cameras x right, y down, z ahead",
        yaw="quaternion x, y, z, w: turns the box's axes (ahead, left, up) to ego's",
        origin="middle of the box; a 2-D box's, too",
        size_order="length, width, height; width, height of a 2-D box",
        units="metres; pixels from the picture's corner",
        time="number of the sweep from 0; `timestamp` and each stream's `sync` are seconds with "
        "nine decimals",
        tracks="whole number from 0; `name` has our text",
        precision="1e-6 m, 1e-9 of the quaternion",
        not_held="revision; masks and keypoints; 2-D labels on images that no sweep is nearest to",
    ),
    **{name: Convention(**said) for name, said in (DATASETS | FLAT | TOOLS).items()},
    **{name: Convention(**{**_OWN, **said}) for name, said in DATA.items()},
}


def describe(format: str) -> dict[str, str]:
    """Return one format's convention as plain text by name, for a file beside the labels."""
    return asdict(CONVENTIONS[format])


def as_markdown() -> str:
    """Return all of it as Markdown, a section per format."""
    parts = []
    for name, convention in CONVENTIONS.items():
        said = asdict(convention).items()
        lines = [f"| {field.replace('_', ' ')} | {text} |" for field, text in said]
        parts.append("\n".join([f"### {name}", "", "| | |", "|---|---|", *lines, ""]))
    return "\n".join(parts)
