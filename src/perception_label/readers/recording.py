"""What a reader of any source format hands over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from perception_label.arrays import Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses

__all__ = ["Camera", "Images", "Pictures", "Recording", "SweepSource"]


@dataclass(frozen=True, slots=True)
class Pictures:
    """One camera's pictures inside the source's own file: ingest copies them out.

    `timestamps_ns` (n,) rises strictly, in the log's clock; `read` returns picture i as the bytes
    of a picture file (JPEG, PNG), and is safe to call from several threads.
    """

    timestamps_ns: Ints
    read: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Recording:
    """One log as its source tells it; sweeps are read one at a time through `source`.

    `timestamps_ns` (S,) is in the order of the source's own files; ingest sorts and
    reports disorder. `ego_poses` None means the source has none; ingest then says so and
    offers odometry. `truth` is in the world frame, or None. `left_out` says in one
    line each what of the source was not taken; `warnings` what looked wrong. `is_deskewed`
    says whether the source already moved each point to the sweep's instant (None: not told).
    `truth_view_rad` is where the truth is complete: the azimuths (from, to) in the ego frame,
    counter-clockwise from +x, between which objects were labelled; None means all round.
    `origin_m` is where the world frame's origin lies in the source's own world coordinates
    (Mercator, UTM); labels and poses here are relative to it.

    An instant that has labels and no LiDAR file is a sweep of no points, so that a log of
    labels alone is a log like any other; `warnings` says how many there are.

    `images` are files of the source, left where they are; `pictures` lie inside one. `chosen` is
    what a reader took for what where a source leaves that open (a bag's topics), by the names
    that `open_log(topics=…)` knows.
    """

    log_id: str
    format: str
    lidar: str
    timestamps_ns: Ints
    ego_from_lidar: Pose
    source: "SweepSource"
    ego_poses: EgoPoses | None = None
    truth: Labels | None = None
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    images: Mapping[str, Images] = field(default_factory=dict)
    pictures: Mapping[str, Pictures] = field(default_factory=dict)
    files: Sequence[Path] = ()
    left_out: Sequence[str] = ()
    warnings: Sequence[str] = ()
    is_deskewed: bool | None = None
    truth_view_rad: tuple[float, float] | None = None
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    chosen: Mapping[str, str] = field(default_factory=dict)


class SweepSource(Protocol):
    """Reads sweep i of a recording; safe to call from several threads, and can be pickled."""

    def __call__(self, i: int) -> Sweep:
        """Return sweep i, sensor frame, without its world pose."""
        ...
