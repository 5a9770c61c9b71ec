"""Labels of another tool become edits: tracks, keyframes, attributes, the same ones each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.errors import SettingError
from perception_label.geometry.labels import Labels
from perception_label.ontology import Ontology
from perception_label.pipeline.adopt import adoption, named
from perception_label.schema import HUMAN
from perception_label.storage.edits import make
from perception_label.storage.edits.edit import Edit
from perception_label.storage.logs import Log

SAME_M = 1e-6  # sizes nearer than this are one size


@dataclass(frozen=True, slots=True)
class Attributed:
    """What a file says of tracks beside their boxes, by the file's ids; `name` is the source's."""

    attributes: Mapping[str, Mapping[str, Any]]
    sweep_attributes: Mapping[str, Mapping[str, Mapping[int, Any]]]
    name: str


def track_edits(
    log: Log, labels: Labels, keyed: Mask | None, told: Attributed, ontology: Ontology
) -> tuple[list[Edit], tuple[str, ...]]:
    """Return the edits that labels stand for, and what they leave out.

    Parameters
    ----------
    log : Log
        The log.
    labels : Labels
        M boxes at its sweeps, world frame; track ids are `NAME:ID`.
    keyed : (M,) bool or None
        Which boxes a person set; None if nobody knows: then every few become hints.
    told : Attributed
        Attributes.
    ontology : Ontology
        What may be said of a track.

    Notes
    -----
    A keyframe that a person set elsewhere is hard here, too. A track of which the file has boxes
    between keyframes ends and pauses where those do.
    """
    order = np.lexsort((labels.timestamps_ns, labels.tracks))
    cuts = np.flatnonzero(np.diff(labels.tracks[order])) + 1
    edits: list[Edit] = []
    refused: dict[str, int] = {}
    n_between = 0
    for rows in np.split(order, cuts) if len(order) else []:
        boxes = labels[rows]
        track_id = labels.track_names[labels.tracks[rows[0]]]
        own_id = track_id.removeprefix(f"{told.name}:")
        source = f"imported:{told.name}"
        class_name = boxes.class_names[boxes.classes[0]]
        facts = _allowed(told.attributes.get(own_id, {}), class_name, ontology, refused)
        keys = None if keyed is None else keyed[rows]
        if keys is None or not keys.any():
            edits += adoption(track_id, boxes, source)
            edits += [_said(track_id, name, value, None, told) for name, value in facts.items()]
        else:
            edits += _as_keyed(log, track_id, boxes, keys, facts, told)
            n_between += int((~keys).sum())
        edits += _changing(track_id, own_id, class_name, told, ontology, refused)
    left_out = [f"{n} values of attribute {why}" for why, n in refused.items()]
    if n_between:
        left_out.append(f"{n_between} boxes between keyframes: `solve` works them out anew")
    return edits, tuple(left_out)


def _as_keyed(
    log: Log,
    track_id: str,
    boxes: Labels,
    keys: Mask,
    facts: Mapping[str, Any],
    told: Attributed,
) -> list[Edit]:
    at = boxes.timestamps_ns
    size = np.median(boxes.cuboids.size_m, axis=0)
    author = f"imported:{told.name}"
    edits = [
        make.create_track(
            track_id, boxes.class_names[boxes.classes[0]], size_m=size,
            span_ns=(int(at[0]), int(at[-1])), attributes=facts or None,
            source=author, author=author,
        )
    ]  # fmt: skip
    for row in np.flatnonzero(keys).tolist():
        own = boxes.cuboids.size_m[row]
        edits.append(
            make.set_keyframe(
                track_id,
                int(at[row]),
                boxes.cuboids.center_m[row],
                float(boxes.cuboids.yaw_rad[row]),
                None if np.abs(own - size).max() < SAME_M else own,
                source=HUMAN,
                author=author,
            )
        )
    if not keys.all():
        edits += [
            make.set_outside(track_id, first, last, source=author, author=author)
            for first, last in _pauses(log.timestamps_ns, at)
        ]
    return [named(edit) for edit in edits]


def _pauses(sweep_ns: Ints, at_ns: Ints) -> list[tuple[int, int]]:
    """Return the intervals of sweeps within a track's life at which it has no box."""
    within = sweep_ns[(sweep_ns >= at_ns[0]) & (sweep_ns <= at_ns[-1])]
    bare = np.flatnonzero(~np.isin(within, at_ns))
    runs = np.split(bare, np.flatnonzero(np.diff(bare) > 1) + 1) if len(bare) else []
    return [(int(within[run[0]]), int(within[run[-1]])) for run in runs]


def _allowed(
    said: Mapping[str, Any], class_name: str, ontology: Ontology, refused: dict[str, int]
) -> dict[str, Any]:
    kept = {}
    for name, value in said.items():
        try:
            ontology.check_attribute(name, value, class_name, per_sweep=False)
            kept[name] = value
        except SettingError as error:
            _count(refused, name, error)
    return kept


def _changing(
    track_id: str,
    own_id: str,
    class_name: str,
    told: Attributed,
    ontology: Ontology,
    refused: dict[str, int],
) -> list[Edit]:
    edits = []
    for name, values in told.sweep_attributes.get(own_id, {}).items():
        for at, value in sorted(values.items()):
            try:
                ontology.check_attribute(name, value, class_name, per_sweep=True)
            except SettingError as error:
                _count(refused, name, error)
                continue
            edits.append(_said(track_id, name, value, at, told))
    return edits


def _said(track_id: str, name: str, value: Any, at: int | None, told: Attributed) -> Edit:
    source = f"imported:{told.name}"
    return named(make.set_attribute(track_id, name, value, at, source=source, author=source))


def _count(refused: dict[str, int], name: str, error: SettingError) -> None:
    # The message names the first value that was refused; others of the attribute are like it.
    why = next((k for k in refused if k.startswith(f"{name}: ")), f"{name}: {error}")
    refused[why] = refused.get(why, 0) + 1
