"""One rotation of the LiDAR."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Points, Pose
from perception_label.errors import MissingPosesError


@dataclass(frozen=True, slots=True)
class Sweep:
    """N points of one sweep in the sensor frame, with what the sensor told of each.

    Attributes
    ----------
    points_m : (N, 3) float32
        Points, sensor frame, metres.
    timestamp_ns : int
        The instant the sweep stands for.
    world_from_sensor : (4, 4) float64 or None
        Pose of the sensor at `timestamp_ns`; None if the log has no ego poses.
    intensity : (N,) float32 or None
        As the source gives it.
    ring : (N,) uint16 or None
        Which beam.
    time_offset_ns : (N,) int32 or None
        Time of each point less `timestamp_ns`.
    lidar : (N,) uint8 or None
        Which LiDAR, where the source publishes several merged into one sweep.
    remarks : tuple of str
        What a reader had to repair or drop in this sweep, one line each; ingest reports them.
    """

    points_m: Points
    timestamp_ns: int
    world_from_sensor: Pose | None = None
    intensity: NDArray[np.float32] | None = None
    ring: NDArray[np.uint16] | None = None
    time_offset_ns: NDArray[np.int32] | None = None
    lidar: NDArray[np.uint8] | None = None
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.points_m)

    def world_points_m(self) -> NDArray[np.float64]:
        """Return the points in the world frame, (N, 3) float64 metres."""
        if self.world_from_sensor is None:
            raise MissingPosesError(f"sweep {self.timestamp_ns}: expected an ego pose, got none")
        rotation, origin = self.world_from_sensor[:3, :3], self.world_from_sensor[:3, 3]
        return self.points_m.astype(np.float64) @ rotation.T + origin
