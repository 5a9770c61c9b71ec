"""Small judged scenes: a parked car, one that turns, and a pedestrian, seen from a moving car."""

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.simulate.effort.objects import Judged, things_of

STEP_NS = 100_000_000


def poses(n):
    """A sensor that drives a bend at 8 m/s."""
    found = np.tile(np.eye(4), (n, 1, 1))
    turn = 0.02 * np.arange(n)
    found[:, 0, 0] = found[:, 1, 1] = np.cos(turn)
    found[:, 1, 0] = np.sin(turn)
    found[:, 0, 1] = -np.sin(turn)
    found[:, 0, 3] = np.cumsum(0.8 * np.cos(turn))
    found[:, 1, 3] = np.cumsum(0.8 * np.sin(turn))
    return found


def truth(n=40):
    """Three objects at n sweeps, world frame; the pedestrian's last 5 boxes hold few points."""
    k = np.arange(n)
    parked = np.column_stack([np.full(n, 20.0), np.full(n, 6.0), np.full(n, 0.8)])
    turning = 0.04 * k
    moving = np.column_stack([10 + 15 * np.sin(turning), -15 * np.cos(turning), np.full(n, 0.8)])
    walking = np.column_stack([12 + 0.12 * k, np.full(n, -3.0), np.full(n, 0.9)])
    size = np.repeat([[4.4, 1.8, 1.6], [4.4, 1.8, 1.6], [0.6, 0.6, 1.8]], n, axis=0)
    points = np.full(3 * n, 50)
    if n > 10:
        points[-5:] = 2
    return Labels.from_columns(
        np.tile(k * STEP_NS, 3),
        np.repeat(["car-1", "car-2", "walker"], n),
        np.repeat(["car", "car", "pedestrian"], n),
        Cuboids(
            np.concatenate([parked, moving, walking]),
            size,
            np.concatenate([np.zeros(n), turning, np.zeros(n)]),
        ),
        n_points=points,
    )


def scene(n=40):
    """The scene as the annotator is judged on it."""
    labels = truth(n)
    return Judged(labels, things_of(labels), STEP_NS * np.arange(n), poses(n), n / 10, 5)


def turned(judged, angle_rad, shift_m):
    """The same scene in another world frame."""
    move = np.eye(4)
    move[:2, :2] = [[np.cos(angle_rad), -np.sin(angle_rad)], [np.sin(angle_rad), np.cos(angle_rad)]]
    move[:3, 3] = shift_m
    old = judged.truth
    labels = Labels.from_columns(
        old.timestamps_ns,
        np.array(old.track_names)[old.tracks],
        np.array(old.class_names)[old.classes],
        old.cuboids.moved(move),
        n_points=old.n_points,
    )
    return Judged(
        labels,
        things_of(labels),
        judged.timestamps_ns,
        move @ judged.world_from_sensor,
        judged.sensor_s,
        judged.min_points,
    )
