"""Objects that drive, walk and stand before a sensor at the origin, without a log."""

import numpy as np

from perception_label.propagation.motion import motion_of
from perception_label.propagation.views import Keys, Subject, Views

CAR_M = np.array([4.5, 1.9, 1.6])
PERSON_M = np.array([0.7, 0.7, 1.75])


def in_rows(points):
    points = np.asarray(points, dtype=np.float32).reshape(-1, 3)
    return np.ascontiguousarray(points[np.lexsort((points[:, 0], np.floor(points[:, 1])))])


def seen(pose, size_m, n, seed):
    """Points on the faces of a box that a sensor at the origin sees, 2 cm of noise."""
    r = np.random.default_rng(seed)
    u = r.uniform(-0.5, 0.5, (n, 3)) * size_m
    c, s = np.cos(pose[3]), np.sin(pose[3])
    view = -np.array([c * pose[0] + s * pose[1], c * pose[1] - s * pose[0]])
    ahead = r.random(n) < abs(view[0]) * size_m[1] / (
        abs(view[0]) * size_m[1] + abs(view[1]) * size_m[0]
    )
    u[ahead, 0] = np.sign(view[0]) * size_m[0] / 2
    u[~ahead, 1] = np.sign(view[1]) * size_m[1] / 2
    x = pose[0] + c * u[:, 0] - s * u[:, 1]
    y = pose[1] + s * u[:, 0] + c * u[:, 1]
    return np.column_stack([x, y, pose[2] + u[:, 2]]) + r.normal(0, 0.02, (n, 3))


def subject(poses, size_m, at, class_name="car", n=150, hz=10.0, others=()):
    """A subject whose truth is poses (S, 4), keyed at sweeps `at`; `others` stand around."""
    poses = np.asarray(poses, dtype=np.float64)
    clouds = []
    for i, pose in enumerate(poses):
        parts = [seen(pose, size_m, n, i)] if n else [np.empty((0, 3))]
        parts += [seen(o, CAR_M, 80, 1000 + i) for o in others]
        clouds.append(in_rows(np.concatenate(parts)))
    views = Views(
        np.arange(len(poses)) / hz,
        clouds.__getitem__,
        lambda xy, _reach: np.full(len(xy), poses[0, 2] - size_m[2] / 2),
    )
    at = np.asarray(at, dtype=np.int64)
    return Subject(views, Keys(at, poses[at].copy()), size_m, motion_of(class_name))


def bend(n=40, speed=8.0, hz=10.0, radius=30.0):
    """Poses of a car that drives a bend past the sensor."""
    turn = np.arange(n) / hz * speed / radius
    x = 12 + radius * np.sin(turn) - 12
    y = 8 + radius * (1 - np.cos(turn))
    return np.column_stack([x - 10, y, np.full(n, 0.8), turn])
