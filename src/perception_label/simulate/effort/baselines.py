"""Labelling without an engine: by hand in every sweep, or keyframes and straight lines.

Baselines are charged for drawing and correcting only, not for opening a track, looking at the
result or naming classes: what they are compared with gets no credit for those.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.interpolate import interpolate
from perception_label.geometry.labels import Labels
from perception_label.geometry.overlap import overlap_3d_pairs
from perception_label.geometry.poses import inverse
from perception_label.simulate.effort.actions import Action
from perception_label.simulate.effort.hand import Hand
from perception_label.simulate.effort.objects import Judged, Thing

STRIDE = 5  # sweeps between keyframes that today's tools are used with
TOUCHES = 20  # of one box; a hand that misses more often than that gives up

# Boxes at all sweeps of a thing, world frame, from the boxes at some: (thing, rows, keys).
Between = Callable[[Thing, Ints, Cuboids], Cuboids]


@dataclass(frozen=True, slots=True)
class Work:
    """What one way of labelling did and left behind.

    Attributes
    ----------
    actions : list of Action
        In the order they were done.
    labels : Labels
        The final boxes, world frame.
    n_keyframes : int
        Boxes a person set.
    """

    actions: list[Action]
    labels: Labels
    n_keyframes: int


def by_hand(judged: Judged, hand: Hand) -> Work:
    """Draw every box that shows from nothing, again where it misses."""
    done = [_draw_all(thing, hand) for thing in judged.things]
    return _work(judged, done)


def sensor_linear(judged: Judged, hand: Hand) -> Work:
    """Set keyframes every 5 sweeps, straight lines in the sensor frame between; then correct."""

    def between(thing: Thing, rows: Ints, keys: Cuboids) -> Cuboids:
        at = np.searchsorted(judged.timestamps_ns, thing.timestamps_ns)
        world_from_sensor = judged.world_from_sensor[at]
        seen = keys.moved(inverse(world_from_sensor)[rows])
        return _linear(thing, rows, seen).moved(world_from_sensor)

    def first_rows(thing: Thing) -> Ints:
        return np.unique(np.append(np.arange(0, len(thing), STRIDE), len(thing) - 1))

    return _work(judged, [_correct(t, first_rows(t), between, hand) for t in judged.things])


def world_linear(judged: Judged, hand: Hand) -> Work:
    """Set keyframes where the error is worst, straight lines in the world frame between."""

    def first_rows(thing: Thing) -> Ints:
        return np.array([np.argmax(np.where(thing.shown, thing.n_points, -2))])

    return _work(judged, [_correct(t, first_rows(t), _linear, hand) for t in judged.things])


def _linear(thing: Thing, rows: Ints, keys: Cuboids) -> Cuboids:
    times = thing.timestamps_ns
    return interpolate(keys, times[rows], times, method="linear")


def _draw_all(thing: Thing, hand: Hand) -> tuple[list[Action], Cuboids, int]:
    packed = thing.cuboids.packed()
    rows = np.flatnonzero(thing.shown)
    actions: list[Action] = []
    n_keyframes = len(rows)
    for _ in range(TOUCHES):
        packed[rows] = hand.set(thing.cuboids[rows]).packed()
        key = "edit_keyframe" if actions else "create_box_manual"
        actions += [_action("draw", thing, row, key) for row in rows.tolist()]
        rows = rows[_iou(thing, Cuboids.unpack(packed))[rows] < thing.threshold]
        if not len(rows):
            break
    return actions, Cuboids.unpack(packed), n_keyframes


def _correct(
    thing: Thing, rows: Ints, between: Between, hand: Hand
) -> tuple[list[Action], Cuboids, int]:
    """Set keyframes at `rows`, then at the worst box of each stretch until all that show pass.

    A stretch lies between two keyframes: with straight lines, correcting one moves no other,
    so that this sets the same keyframes as going for the worst box of the whole track.
    """
    keys = dict(zip(rows.tolist(), hand.set(thing.cuboids[rows]).packed(), strict=True))
    actions = [_action("first keyframe", thing, int(rows[0]), "create_box_manual")]
    actions += [_action("keyframe", thing, row, "edit_keyframe") for row in rows[1:].tolist()]
    touches = dict.fromkeys(keys, 1)
    while True:
        at = np.array(sorted(keys))
        boxes = between(thing, at, Cuboids.unpack(np.array([keys[row] for row in at])))
        iou = np.where(thing.shown, _iou(thing, boxes), np.inf)
        bad = np.flatnonzero(iou < thing.threshold)
        bad = bad[[touches.get(int(row), 0) < TOUCHES for row in bad]]
        if not len(bad):
            return actions, boxes, len(keys)
        for row in _worst_of_each_stretch(bad, iou, at):
            keys[row] = hand.set(thing.cuboids[[row]]).packed()[0]
            touches[row] = touches.get(row, 0) + 1
            actions.append(_action("correct", thing, row, "edit_keyframe"))


def _worst_of_each_stretch(bad: Ints, iou: Floats, keys: Ints) -> list[int]:
    # Even numbers are the stretches between keys, odd numbers the keys themselves.
    stretch = np.searchsorted(keys, bad, "left") + np.searchsorted(keys, bad, "right")
    order = np.lexsort((bad, iou[bad], stretch))
    first = np.unique(stretch[order], return_index=True)[1]
    return [int(row) for row in bad[order[first]]]


def _iou(thing: Thing, boxes: Cuboids) -> Floats:
    return overlap_3d_pairs(thing.cuboids, boxes)


def _action(what: str, thing: Thing, row: int, key: str) -> Action:
    return Action(what, thing.name, int(thing.timestamps_ns[row]), key)


def _work(judged: Judged, done: list[tuple[list[Action], Cuboids, int]]) -> Work:
    things = judged.things
    sizes = [int(np.count_nonzero(thing.shown)) for thing in things]
    none = np.empty(0, dtype=np.int64)
    packed = [boxes.packed()[t.shown] for t, (_, boxes, _) in zip(things, done, strict=True)]
    labels = Labels.from_columns(
        np.concatenate([none, *(t.timestamps_ns[t.shown] for t in things)]),
        np.repeat([t.name for t in things], sizes),
        np.repeat([t.class_name for t in things], sizes),
        Cuboids.unpack(np.concatenate([np.empty((0, 7)), *packed])),
        n_points=np.concatenate([none, *(t.n_points[t.shown] for t in things)]),
    )
    actions = [action for each, _, _ in done for action in each]
    return Work(actions, labels, sum(n for _, _, n in done))
