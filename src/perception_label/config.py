"""Every setting, its default and its unit; read from TOML, an unknown key is an error."""

import tomllib
from dataclasses import dataclass, field, fields
from math import isnan
from pathlib import Path
from typing import Any

from perception_label.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Linking cuboids across sweeps."""

    gate_m: float = 2.0  # farther than this from where it should be, a box is another object
    gate_spreads: float = 4.0  # the same in standard deviations of all that is compared
    max_gap_s: float = 0.5  # a track is followed unseen for this long, through short occlusions
    max_bridge_s: float = 2.0  # whole tracklets are joined over gaps up to this
    noise_m: float = 0.4  # spread of a detected centre; too small costs identities, 0.6 does not
    acceleration_mps2: float = 3.0  # what cars do in town
    speed_mps: float = 12.0  # spread of a new object's speed along its heading
    sideways_mps: float = 2.0  # and across it; also of objects without a clear heading
    max_speed_mps: float = 40.0  # nothing moves faster from its first box to its second
    birth_score: float = 0.3  # a box below only continues a track
    min_boxes: int = 3  # a shorter track must score like the long ones to stay
    min_seen: float = 0.5  # of its sweeps; false boxes flicker, objects do not


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Comparing labels with truth."""

    max_range_m: float = 60.0  # few truth sets are complete farther out
    min_points: int = 20  # fewer points say little; PandaSet and KITTI label such by guess
    min_score: float = 0.0  # labels below are left out
    bands_m: tuple[float, ...] = (0.0, 20.0, 40.0, 60.0, float("inf"))  # by distance from ego
    track_iou_vehicle: float = 0.5  # 3-D IoU of a hit for MOTA and IDF1, TrackEval's default
    track_iou_other: float = 0.25  # small boxes lose overlap faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """First-guess tracks."""

    search_hz: float = 5.0  # sweeps searched per second; tracks are carried over those between
    min_detection: float = 0.42  # expected quality below which a sweep's cuboid is dropped
    birth_quality: float = 0.45  # below, a cuboid only continues a track; lets people begin one
    min_score: float = 0.5  # tracks less likely to be right are not proposed
    candidate_score: float = 0.02  # … but kept as candidates for missing objects down to this

    def __post_init__(self) -> None:
        if not self.search_hz > 0:
            raise SettingError(f"search_hz: expected more than 0, got {self.search_hz}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, one table each."""

    tracking: Tracking = field(default_factory=Tracking)
    proposals: Proposals = field(default_factory=Proposals)
    scoring: Scoring = field(default_factory=Scoring)


def load_settings(path: Path) -> Settings:
    """Read settings; tables and keys left out keep their defaults.

    Raises
    ------
    SettingError
        If the file is no TOML, names a table or key that is not known, or gives a value of
        another kind than the default's.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: expected a TOML file, got: {error}") from None
    known = {f.name: type(getattr(Settings(), f.name)) for f in fields(Settings)}
    _refuse_unknown(f"{path}", given, set(known))
    parts: dict[str, Any] = {}
    for name, values in given.items():
        part, where = known[name], f"{path} [{name}]"
        if not isinstance(values, dict):
            raise SettingError(f"{where}: expected a table, got {values!r}")
        _refuse_unknown(where, values, {f.name for f in fields(part)})
        default = part()
        typed = {k: _like(f"{where} {k}", v, getattr(default, k)) for k, v in values.items()}
        try:
            parts[name] = part(**typed)
        except SettingError as error:
            raise SettingError(f"{where}: {error}") from None
    return Settings(**parts)


def _like(where: str, value: Any, default: Any) -> Any:
    """Return a value of the default's kind; whole numbers are numbers too."""
    if isinstance(default, tuple) and isinstance(value, list) and value:
        return tuple(_like(where, v, default[0]) for v in value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default) or (isinstance(value, float) and isnan(value)):
        raise SettingError(f"{where}: expected a value like {default!r}, got {value!r}")
    return value


def _refuse_unknown(where: str, given: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise SettingError(f"{where}: expected keys {sorted(known)}, got {unknown}")
