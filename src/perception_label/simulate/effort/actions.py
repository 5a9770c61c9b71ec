"""What a person did, one row per action, and what it costs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from perception_label.errors import SettingError

LEVELS = ("low", "nominal", "high")


class Action(NamedTuple):
    """One action: what was done, to which track, at which sweep, and which seconds it costs.

    `timestamp_ns` is -1 where the action was on the whole track; `key` is a row of the table
    of seconds.
    """

    what: str
    track_id: str
    timestamp_ns: int
    key: str


@dataclass(frozen=True, slots=True)
class ActionSeconds:
    """How long actions take.

    Attributes
    ----------
    seconds : dict of str to (low, nominal, high)
        Per action.
    pause_factor : float
        Working time over time spent on actions.
    tracks_per_w_hour : float
        Tracks in one sensor-hour at Waymo's density.
    """

    seconds: Mapping[str, tuple[float, float, float]]
    pause_factor: float
    tracks_per_w_hour: float


@dataclass(frozen=True, slots=True)
class Effort:
    """What the actions on a log cost; pauses are in every figure.

    Attributes
    ----------
    counts : dict of str to int
        Actions by their key of the table of seconds.
    hours_per_sensor_hour, seconds_per_track, hours_per_w_hour : dict
        Each at `low`, `nominal` and `high`.
    """

    counts: dict[str, int]
    hours_per_sensor_hour: dict[str, float]
    seconds_per_track: dict[str, float]
    hours_per_w_hour: dict[str, float]


def load_seconds(path: Path | None = None) -> ActionSeconds:
    """Read a table of seconds (TOML); without a path, the one the package ships.

    Raises
    ------
    SettingError
        If the file is no such table, or low, nominal and high do not rise from 0.
    """
    where = "seconds.toml" if path is None else str(path)
    try:
        shipped = files("perception_label.simulate.effort").joinpath("seconds.toml")
        text = (shipped if path is None else path).read_text(encoding="utf-8")
        given = tomllib.loads(text)
        actions = {k: _seconds(row) for k, row in given["actions"].items()}
        factor, tracks = float(given["pause_factor"]), float(given["tracks_per_w_hour"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingError(
            f"{where}: expected a table of action seconds (TOML: pause_factor, tracks_per_w_hour, "
            f"[actions.NAME] low, nominal, high), got {type(error).__name__}: {error}"
        ) from None
    if path is not None:
        unknown = sorted(set(actions) ^ set(load_seconds().seconds))
        if unknown:
            raise SettingError(f"{where}: expected the actions of seconds.toml, got also {unknown}")
    for name, (low, nominal, high) in actions.items():
        if not 0 <= low <= nominal <= high < float("inf"):
            raise SettingError(
                f"{where} [{name}]: expected 0 <= low <= nominal <= high, got "
                f"{low}, {nominal}, {high}"
            )
    return ActionSeconds(actions, factor, tracks)


def _seconds(row: Mapping[str, Any]) -> tuple[float, float, float]:
    low, nominal, high = (float(row[name]) for name in LEVELS)
    return low, nominal, high


def count(actions: list[Action]) -> dict[str, int]:
    """Return how many actions there are of each key, sorted by key."""
    keys = [action.key for action in actions]
    return {key: keys.count(key) for key in sorted(set(keys))}


def effort(
    actions: list[Action], seconds: ActionSeconds, *, n_tracks: int, sensor_s: float
) -> Effort:
    """Return what actions cost.

    Parameters
    ----------
    actions : list of Action
        The rows.
    seconds : ActionSeconds
        How long each takes.
    n_tracks : int
        Objects that had to be labelled.
    sensor_s : float
        How much recording they were on, seconds.
    """
    counts = count(actions)
    spent = {
        level: seconds.pause_factor * sum(n * seconds.seconds[k][i] for k, n in counts.items())
        for i, level in enumerate(LEVELS)
    }
    per_track = {level: total / max(1, n_tracks) for level, total in spent.items()}
    return Effort(
        counts=counts,
        hours_per_sensor_hour={level: total / sensor_s for level, total in spent.items()},
        seconds_per_track=per_track,
        hours_per_w_hour={
            level: s * seconds.tracks_per_w_hour / 3600 for level, s in per_track.items()
        },
    )


def as_rows(actions: list[Action]) -> list[dict[str, Any]]:
    """Return the rows as plain values, ready for JSON."""
    return [action._asdict() for action in actions]
