"""Pedestrians: alone and in groups, along the pavement, over the street, standing about."""

import numpy as np
from numpy.random import Generator

from perception_label.arrays import Floats
from perception_label.simulate.actors import Actor
from perception_label.simulate.bodies import Body
from perception_label.simulate.paths import Node, Path, crossing, curve, pavement
from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.town import SIDEWALK_M, Town, stream
from perception_label.simulate.traffic import DT_S, Drive


def walkers_of(town: Town, block: Node, settings: SceneSettings) -> list[Actor]:
    """Return the people of one block, there for the whole log."""
    random = stream(town.seed, 8, *block)
    # The circle that `pedestrians` counts in holds about four blocks.
    wanted = int(random.poisson(settings.pedestrians / 4.2))
    out: list[Actor] = []
    while len(out) < wanted:
        size = int(random.choice([1, 2, 3, 4, 6], p=[0.5, 0.25, 0.12, 0.08, 0.05]))
        pick = random.random()
        if pick < 0.62:
            out += _stroll(town, block, size, settings.duration_s, random)
        elif pick < 0.80:
            out += _stand(town, block, size, settings.duration_s, random)
        else:
            out += _cross(town, block, size, settings.duration_s, random)
    return out[:wanted]


def _stroll(
    town: Town, block: Node, size: int, duration_s: float, random: Generator
) -> list[Actor]:
    """Walk round the block, side by side in rows of two; now and then stop and go on."""
    reverse = bool(random.random() < 0.5)
    base = float(random.uniform(1.1, SIDEWALK_M - 0.9))
    pace = float(np.clip(random.normal(1.35, 0.22), 0.7, 2.0))
    if random.random() < 0.05:
        pace = float(random.uniform(2.4, 3.2))  # a runner
    speed = _paces(pace, duration_s, random)
    start, out = float(random.uniform(0, 1)), []
    for k in range(size):
        lateral = base + 0.75 * (k % 2) * (1 if base < 1.5 else -1)
        path = pavement(town, block, lateral, reverse=reverse)
        first = start * 0.5 * path.length_m + 0.95 * (k // 2) + float(random.normal(0, 0.1))
        out.append(_walker(path, first, speed, random))
    return out


def _stand(town: Town, block: Node, size: int, duration_s: float, random: Generator) -> list[Actor]:
    """Stand in a circle and talk, or wait alone."""
    ring = pavement(town, block, float(random.uniform(1.2, 1.7)), reverse=False)
    middle = ring.at(np.array([float(random.uniform(0, 0.5)) * ring.length_m]))[0]
    radius = 0.0 if size == 1 else 0.32 + 0.13 * size
    out = []
    for k in range(size):
        turn = middle[2] + 2 * np.pi * k / size + float(random.normal(0, 0.15))
        away = np.array([np.cos(turn), np.sin(turn)])
        spot = middle[:2] + radius * away
        facing = -away if size > 1 else away
        path = curve(np.stack([spot - facing, spot + facing]))
        drive = Drive(Body.drawn("stander", random), path, 0.0, 0.0)
        drive.s_m, drive.v_mps = [1.0, 1.0], [0.0, 0.0]
        out.append(Actor(drive.body, drive, on_foot=True))
    return out


def _cross(town: Town, block: Node, size: int, duration_s: float, random: Generator) -> list[Actor]:
    """Wait at a corner, cross the street, stay on the other side."""
    corner = int(random.integers(4))
    node = (block[0] + (corner in (1, 2)), block[1] + (corner in (2, 3)))
    path = crossing(town, node, int(random.integers(4)), 1 if random.random() < 0.5 else -1)
    wait = float(random.uniform(0, 0.8 * duration_s))
    pace = float(np.clip(random.normal(1.4, 0.2), 0.8, 2.0))
    steps = int(np.ceil(duration_s / DT_S)) + 3
    time = np.arange(steps) * DT_S
    speed = pace * np.clip((time - wait) / 0.8, 0, 1)
    out = []
    for k in range(size):
        points = path.xy_m.copy()
        normal = np.array([-np.sin(path.yaw_rad[0]), np.cos(path.yaw_rad[0])])
        shifted = curve(points + normal * (0.8 * (k - (size - 1) / 2)))
        out.append(_walker(shifted, float(random.uniform(0.4, 0.7)), speed, random))
    return out


def _walker(path: Path, first_m: float, speed: Floats, random: Generator) -> Actor:
    drive = Drive(Body.drawn("walker", random), path, float(speed.max()), 0.0)
    s = first_m + np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * DT_S)])
    over = s >= path.length_m - 0.3  # arrived: stays where the way ends
    drive.s_m = np.where(over, path.length_m - 0.3, s).tolist()
    drive.v_mps = np.where(over, 0.0, speed).tolist()
    return Actor(drive.body, drive, on_foot=True)


def _paces(pace_mps: float, duration_s: float, random: Generator) -> Floats:
    """Return the speed every `DT_S`: a steady pace, some stops with soft starts."""
    steps = int(np.ceil(duration_s / DT_S)) + 3
    goal = np.full(steps, pace_mps)
    if random.random() < 0.3:
        at, long = int(random.integers(steps)), int(random.uniform(3, 12) / DT_S)
        goal[at : at + long] = 0
    kernel = np.ones(9) / 9
    padded = np.concatenate([np.full(4, goal[0]), goal, np.full(4, goal[-1])])
    out: Floats = np.convolve(padded, kernel, "valid")
    return out
