"""`log.json`: sensors, calibration, where a log came from, the hash of each source file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from perception_label import schema
from perception_label.arrays import Pose
from perception_label.errors import WorkspaceError
from perception_label.geometry.cameras import Camera


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInfo:
    """What `log.json` says of a log.

    Attributes
    ----------
    log_id, format, lidar : str
        The log, the source format, the LiDAR's name (also the name of its sweep file).
    fingerprint : str
        sha256 over all that decides the log's bytes: source files, options, schema.
    source : str
        The folder or file it was read from; image paths are relative to it.
    files : dict of str
        sha256 of each source file, by its path below `source`.
    ego_from_lidar : (4, 4) float64
        Where the LiDAR sits.
    cameras : dict of Camera
        Calibration of each camera.
    channels : tuple of str
        What each point carries beyond its position.
    poses_from : str
        `source`, `odometry:<method>` or `none`.
    deskewed : str
        `source`, `ingest`, `no` or `unknown`: who moved each point to its sweep's instant.
    origin_m : (3,) floats
        Add this to a position of the log's world frame to get the source's.
    truth_view_rad : (from, to) or None
        Azimuths in the ego frame between which the truth is complete; None: all round.
    n_out_of_order, n_duplicates : int
        Sweeps the source had not in time order, and left-out repeats of a time.
    left_out, warnings : tuple of str
        What the ingest did not take, and what looked wrong.
    chosen : dict of str
        What was taken for what where the source leaves that open: a bag's topics.
    """

    log_id: str
    format: str
    lidar: str
    fingerprint: str
    source: str
    files: Mapping[str, str]
    ego_from_lidar: Pose
    cameras: Mapping[str, Camera]
    channels: tuple[str, ...]
    poses_from: str
    deskewed: str
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    truth_view_rad: tuple[float, float] | None = None
    n_out_of_order: int = 0
    n_duplicates: int = 0
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    version: int = field(default=schema.VERSION)

    def to_json(self) -> str:
        """Return the text of `log.json`; the same facts give the same text."""
        plain: dict[str, Any] = asdict(self)
        plain["ego_from_lidar"] = self.ego_from_lidar.tolist()
        for camera in plain["cameras"].values():
            camera["ego_from_camera"] = np.asarray(camera["ego_from_camera"]).tolist()
        return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read `log.json`.

        Raises
        ------
        WorkspaceError
            If the file is not one of ours, or of a schema version this release cannot read.
        """
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["version"] != schema.VERSION:
                raise WorkspaceError(
                    f"{path}: expected schema version {schema.VERSION}, got {plain['version']}"
                )
            plain["ego_from_lidar"] = np.array(plain["ego_from_lidar"], dtype=np.float64)
            plain["cameras"] = {k: _camera(v) for k, v in plain["cameras"].items()}
            for name in ("channels", "origin_m", "left_out", "warnings"):
                plain[name] = tuple(plain[name])
            if plain.get("truth_view_rad") is not None:
                plain["truth_view_rad"] = tuple(plain["truth_view_rad"])
            return cls(**plain)
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, WorkspaceError):
                raise
            raise WorkspaceError(f"{path}: expected a log's facts, got: {error!r}") from None


def _camera(plain: dict[str, Any]) -> Camera:
    return Camera(
        width_px=plain["width_px"],
        height_px=plain["height_px"],
        intrinsics=tuple(tuple(row) for row in plain["intrinsics"]),
        ego_from_camera=np.array(plain["ego_from_camera"], dtype=np.float64),
        distortion=tuple(plain["distortion"]),
        model=plain.get("model", "pinhole"),
    )
