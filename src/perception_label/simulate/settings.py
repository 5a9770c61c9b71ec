"""What a synthetic log is made of: every choice, its unit and its default."""

from dataclasses import dataclass, field

from perception_label.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class LidarSettings:
    """A spinning LiDAR with one column of beams."""

    n_beams: int = 64  # 32, 64 or 128: the tables of `lidar.beam_elevations_rad`
    azimuth_step_rad: float = 0.003016  # 0.1728 degrees: 2083 columns a turn at 10 Hz
    range_noise_m: float = 0.015  # standard deviation along the ray
    min_range_m: float = 1.5
    max_range_m: float = 120.0
    reach_m: float = 100.0  # where a 10 % reflective surface, seen square, returns half the time
    drop_share: float = 0.01  # returns lost at random, whatever they hit
    deskew: bool = True  # points as if all taken at the sweep's timestamp; movers still smear
    position_m: tuple[float, float, float] = (0.9, 0.0, 1.9)  # of the sensor in the ego frame
    rotation_rpy_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """A camera that takes whole images at instants of its own (a global shutter)."""

    name: str = "front"
    width_px: int = 640
    height_px: int = 400
    focal_px: float = 480.0  # 67 degrees wide at 640 pixels
    model: str = "pinhole"  # or "fisheye": four coefficients of Kannala and Brandt
    distortion: tuple[float, ...] = (-0.12, 0.03, 0.0004, -0.0003, 0.0)  # k1 k2 p1 p2 k3
    rate_hz: float = 10.0
    offset_s: float = 0.017  # the first image's instant; sweeps are at half their duration
    position_m: tuple[float, float, float] = (1.3, 0.0, 1.6)  # in the ego frame
    rotation_rpy_rad: tuple[float, float, float] = (0.0, 0.04, 0.0)  # pitch > 0 looks down
    noise: float = 1.5  # standard deviation, grey levels of 255
    gain_drift: float = 0.0  # exposure wanders by about this share over seconds
    smooth_edges: bool = True  # three more rays wherever neighbours differ; twice the time

    def __post_init__(self) -> None:
        if self.model not in ("pinhole", "fisheye"):
            raise SettingError(f"model: expected 'pinhole' or 'fisheye', got {self.model!r}")
        for name in ("width_px", "height_px", "focal_px", "rate_hz"):
            if not getattr(self, name) > 0:
                raise SettingError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if self.offset_s < 0:
            raise SettingError(f"offset_s: expected 0 or more, got {self.offset_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """One synthetic log: the town, the traffic, the drive and the sensor.

    Two logs of equal settings are equal to the byte.
    """

    seed: int = 0
    duration_s: float = 20.0
    rate_hz: float = 10.0
    parked_share: float = 0.75  # of the places along a kerb that hold a car
    vehicles: int = 26  # movers kept within `traffic_radius_m` of the ego vehicle
    lorry_share: float = 0.14  # of the moving vehicles, buses among them
    digger_share: float = 0.0  # of the moving vehicles: excavators on wheels
    cyclists: int = 6
    pedestrians: int = 45  # within the same radius
    traffic_radius_m: float = 110.0
    cruise_mps: float = 10.0  # what drivers aim at on a straight
    hill_height_m: float = 3.0  # amplitude of the hills
    label_radius_m: float = 100.0  # farther objects carry no box
    lidar: LidarSettings = field(default_factory=LidarSettings)
    cameras: tuple[CameraSettings, ...] = ()  # an image costs about as much as a sweep

    def __post_init__(self) -> None:
        for name in ("duration_s", "rate_hz", "cruise_mps", "label_radius_m"):
            if not getattr(self, name) > 0:
                raise SettingError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if self.seed < 0:
            raise SettingError(f"seed: expected 0 or more, got {self.seed}")

    @property
    def n_sweeps(self) -> int:
        """How many sweeps the log has, at least one."""
        return max(1, round(self.duration_s * self.rate_hz))
