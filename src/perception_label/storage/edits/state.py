"""What the edits of a log add up to: its tracks as people left them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.shapes import Shape
from perception_label.storage.edits.edit import HUMAN


@dataclass(frozen=True, slots=True)
class ShapeKeys:
    """K keyframes of one track on one camera, all of one kind of geometry.

    Attributes
    ----------
    camera, kind : str
        On whose images; one of `shapes.KINDS`.
    timestamps_ns : (K,) int64
        The images' times, ascending.
    said : tuple of K dict
        Each shape as JSON has it; `shapes` makes them of it.
    sources : tuple of K str
        Who set each: `human` ones are hard, others are hints.
    """

    camera: str
    kind: str
    timestamps_ns: Ints
    said: tuple[Mapping[str, Any], ...]
    sources: tuple[str, ...]

    def shapes(self) -> tuple[Shape, ...]:
        """Return the K shapes, in pixels."""
        return tuple(Shape.from_plain(said) for said in self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackState:
    """One track after some edit; times are of the log, geometry is in the world frame.

    Attributes
    ----------
    track_id, class_name : str
        Its name and class.
    attributes : dict
        Values that hold for the whole track, by name.
    sweep_attributes : dict of dict
        By name, then by the sweep's time: each value holds until the next.
    size_m : (3,) float64 or None
        Length, width, height, if somebody set them for the track.
    key_timestamps_ns : (K,) int64
        Sweeps with a keyframe in force, ascending.
    keyframes : Cuboids
        K keyframes. Where neither the keyframe nor the track has a size, it is the usual one of
        the class, NaN for a class the ontology does not know.
    key_sources : tuple of K str
        Who set each: `human` ones are hard, others are hints.
    key_has_size : (K,) bool
        Whether the size is the keyframe's own.
    span_ns : (first, last) or None
        Lifespan, ends included; None where nobody said.
    static_ns, outside_ns : (n, 2) int64
        Intervals, ends included, ascending: stands still; is not to be labelled.
    shapes : dict of ShapeKeys
        Keyframes in force on images, by camera and kind of geometry.
    camera_outside_ns : dict of (n, 2) int64
        Intervals in which it is not to be labelled on one camera's images, by camera; those of
        `outside_ns` hold there too.
    is_deleted, is_finalised : bool
        Whether it is gone; whether somebody called it done and nothing changed since.
    merged_into : str or None
        The track it became part of.
    verdict, verdict_reason : str or None, str
        `accept` or `reject`, and why.
    comments : tuple of str
        In the order they were made.
    source : str
        Who created it.
    revision : int
        Its last edit, comments left aside.
    ontology_version : str
        Of that edit.
    """

    track_id: str
    class_name: str
    attributes: Mapping[str, Any]
    sweep_attributes: Mapping[str, Mapping[int, Any]]
    size_m: np.ndarray | None
    key_timestamps_ns: Ints
    keyframes: Cuboids
    key_sources: tuple[str, ...]
    key_has_size: np.ndarray
    span_ns: tuple[int, int] | None
    static_ns: Ints
    outside_ns: Ints
    is_deleted: bool
    is_finalised: bool
    merged_into: str | None
    verdict: str | None
    verdict_reason: str
    comments: tuple[str, ...]
    source: str
    revision: int
    ontology_version: str
    shapes: Mapping[tuple[str, str], ShapeKeys] = field(default_factory=dict)
    camera_outside_ns: Mapping[str, Ints] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether it is to be labelled: neither deleted nor rejected."""
        return not self.is_deleted and self.verdict != "reject"

    @property
    def n_human(self) -> int:
        """How many keyframes people set, on sweeps and images."""
        on_images = sum(keys.sources.count(HUMAN) for keys in self.shapes.values())
        return self.key_sources.count(HUMAN) + on_images


@dataclass(frozen=True, slots=True)
class LogState:
    """All tracks of a log after `revision`, deleted ones too.

    Attributes
    ----------
    revision : int
        The last edit that is in it; 0 before the first.
    tracks : dict of TrackState
        By id, in the order they were made.
    without_effect : tuple of str
        Ids of edits that mean nothing, since an undo took away what they build on.
    """

    revision: int
    tracks: Mapping[str, TrackState]
    without_effect: tuple[str, ...] = ()

    def live(self) -> dict[str, TrackState]:
        """Return the tracks that are to be labelled."""
        return {name: track for name, track in self.tracks.items() if track.is_live}
