"""Every setting, its default and its unit; read from TOML, an unknown key is an error."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from perception_label.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Linking cuboids across sweeps."""

    gate_m: float = 2.0  # farther pairs are never linked
    max_gap_s: float = 0.5  # a track unseen for longer has ended


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
class Settings:
    """All settings, one table each."""

    tracking: Tracking = field(default_factory=Tracking)
    scoring: Scoring = field(default_factory=Scoring)


def load_settings(path: Path) -> Settings:
    """Read settings; tables and keys left out keep their defaults."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: expected a TOML file, got: {error}") from None
    known = {f.name: type(getattr(Settings(), f.name)) for f in fields(Settings)}
    _refuse_unknown(f"{path}", given, set(known))
    parts: dict[str, Any] = {}
    for name, values in given.items():
        part = known[name]
        _refuse_unknown(f"{path} [{name}]", values, {f.name for f in fields(part)})
        parts[name] = part(**values)
    return Settings(**parts)


def _refuse_unknown(where: str, given: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise SettingError(f"{where}: expected keys {sorted(known)}, got {unknown}")
