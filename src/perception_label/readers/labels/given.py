"""What a reader of labels is told of the log, and what it hands over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.errors import ShapeError
from perception_label.geometry.cameras import CAMERA_FROM_LIDAR, Camera, forward_camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.readers.image_labels.file import ImageLabelFile

# `source` is the world as the log's source has it: the log's own, moved by its `origin_m`.
COORDINATE_FRAMES = ("world", "ego", "sensor", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a reader may need to know of the log its labels are for.

    Attributes
    ----------
    log_id : str
        The log's id, as exporters name it.
    timestamps_ns : (S,) int64
        Its sweeps.
    ego_poses : EgoPoses or None
        The ego vehicle's path.
    ego_from_lidar : (4, 4) float64
        Where the LiDAR sits.
    cameras : dict of Camera
        By name.
    image_timestamps_ns : dict of (n,) int64
        When each camera took its images, by name.
    image_names : dict of tuple of str
        The file names of each camera's images; the video's for all of them.
    origin_m : (3,) floats
        Added to world coordinates, this gives the source's.
    coordinate_frame : str or None
        What the user said the boxes are relative to; None: what the format has, else the world.
    calibration : Path or None
        A file that the user named, for formats that keep it apart.
    columns : Path or None
        A file of the user's that says which columns of a plain table are ours.
    camera : str or None
        The camera that the user named, for 2-D labels.
    """

    log_id: str = ""
    timestamps_ns: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    ego_poses: EgoPoses | None = None
    ego_from_lidar: Pose = field(default_factory=lambda: np.eye(4))
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    image_timestamps_ns: Mapping[str, Ints] = field(default_factory=dict)
    image_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    coordinate_frame: str | None = None
    calibration: Path | None = None
    columns: Path | None = None
    camera: str | None = None

    def lidar_from_forward_camera(self) -> Pose:
        """Return the transform out of the forward camera, or without one, a camera at the LiDAR."""
        camera = forward_camera(self.cameras)[1]
        if camera is None:
            return np.asarray(inverse(CAMERA_FROM_LIDAR))
        return np.asarray(inverse(self.ego_from_lidar) @ np.asarray(camera.ego_from_camera))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """M boxes as a file gives them, and 2-D labels by camera.

    Attributes
    ----------
    cuboids : Cuboids
        M boxes.
    coordinate_frame : str
        Of the boxes: one of `COORDINATE_FRAMES`; ego and sensor at each box's instant.
    at : (M,) int64
        Timestamps in ns, or the sweeps' numbers from 0 if `by_number`.
    by_number : bool
        Whether `at` counts sweeps.
    class_names : (M,) str objects
        As in the file.
    track_ids : (M,) str objects or None
        None if the boxes are not linked.
    scores : (M,) float64
        1 where the file has none.
    is_key : (M,) bool or None
        Which boxes a person set, the rest having been worked out between them; None if the file
        does not tell them apart.
    attributes : dict of dict
        By track id: values that hold for the whole track, by name.
    sweep_attributes : dict of dict of dict
        By track id and name: a value from each `at` on.
    images : dict of ImageLabelFile
        2-D labels by camera; "" is the camera that the user names.
    left_out : tuple of str
        What of the file was not taken, and why, one line each.
    """

    cuboids: Cuboids = field(default_factory=lambda: Cuboids.unpack(np.empty((0, 7))))
    coordinate_frame: str = "world"
    at: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    by_number: bool = False
    class_names: NDArray[np.object_] = field(default_factory=lambda: np.empty(0, dtype=np.object_))
    track_ids: NDArray[np.object_] | None = None
    scores: Floats = field(default_factory=lambda: np.empty(0))
    is_key: Mask | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sweep_attributes: Mapping[str, Mapping[str, Mapping[int, Any]]] = field(default_factory=dict)
    images: Mapping[str, ImageLabelFile] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        m = len(self.cuboids)
        if m and self.scores.shape == (0,):
            object.__setattr__(self, "scores", np.ones(m))
        for name in ("at", "class_names", "track_ids", "scores", "is_key"):
            value = getattr(self, name)
            if value is not None and value.shape != (m,):
                raise ShapeError(f"labels: expected {name} ({m},), got {value.shape}")
        if self.coordinate_frame not in COORDINATE_FRAMES:
            raise ShapeError(
                f"labels: expected a coordinate frame of {', '.join(COORDINATE_FRAMES)}, "
                f"got {self.coordinate_frame!r}"
            )

    def is_sound(self) -> Mask:
        """Tell which boxes have only finite numbers and a positive size, (M,)."""
        numbers = self.cuboids.packed()
        sound = np.isfinite(numbers).all(axis=1) & (self.cuboids.size_m > 0).all(axis=1)
        return np.asarray(sound & np.isfinite(self.scores))
