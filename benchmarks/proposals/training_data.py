"""Rows to train and test the scorer on: simulated sweeps and PandaSet's, with their truth."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.geometry.overlap import overlap_bev
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.proposals.hypotheses import CYCLIST, PEDESTRIAN, VEHICLE
from perception_label.proposals.sweep import examine, upright
from perception_label.readers import open_log
from perception_label.simulate.log import SimulatedSweeps
from perception_label.simulate.plan import make_plan
from perception_label.simulate.settings import LidarSettings, SceneSettings
from perception_label.simulate.truth import Truth

GROUP_OF = {
    "car": VEHICLE,
    "truck": VEHICLE,
    "bus": VEHICLE,
    "trailer": VEHICLE,
    "construction_vehicle": VEHICLE,
    "pedestrian": PEDESTRIAN,
    "cyclist": CYCLIST,
    "motorcycle": CYCLIST,
    "bicycle": CYCLIST,
}

TOWNS = range(76)  # seeds of the towns trained on; common traffic unless said below
CALIBRATION_TOWNS = (500, 501, 502, 503, 504, 507, 508, 509)
RARE_TOWNS = (*range(34, 76), *range(507, 510))
DIGGER_TOWNS = (*range(60, 76), *range(507, 510))
# Sweeps of a town to train on, 4 s or more apart.
COMMON_INSTANTS, RARE_INSTANTS = (10, 50, 90, 130, 170), (10, 60, 110, 160)


@dataclass(frozen=True)
class Rows:
    """One sweep's training rows: features and quality of hypotheses and of clusters."""

    boxes: np.ndarray  # (M, 7) the hypotheses, packed, sensor coordinates
    features: np.ndarray
    group: np.ndarray
    quality: np.ndarray
    place: np.ndarray  # (M, 2) where in the world, to hold out by place
    gate_features: np.ndarray
    gate_quality: np.ndarray


def rows_of(points_m, truth: Cuboids, group: np.ndarray, world_from_sensor) -> Rows:
    """Describe one sweep's hypotheses and say how good each is; sensor coordinates."""
    seen = examine(points_m)
    everything = upright(seen, np.arange(len(seen.hypotheses)))
    quality = quality_of(everything, seen.hypotheses.group, truth, group)
    owner = seen.hypotheses.owner
    best = np.zeros(len(seen.clusters))
    np.maximum.at(best, owner, quality)
    place = everything.moved(world_from_sensor).center_m[:, :2]
    return Rows(
        everything.packed(),
        seen.features,
        seen.hypotheses.group,
        quality,
        place,
        seen.gate_features,
        best,
    )


def quality_of(everything: Cuboids, groups, truth: Cuboids, group: np.ndarray) -> np.ndarray:
    """BEV IoU with the best vehicle; for the small classes 1 - centre distance in metres."""
    quality = np.zeros(len(everything))
    for which in (VEHICLE, PEDESTRIAN, CYCLIST):
        rows = np.flatnonzero(groups == which)
        real = truth[group == which]
        if len(rows) == 0 or len(real) == 0:
            continue
        mine = everything[rows]
        if which == VEHICLE:
            quality[rows] = overlap_bev(mine, real).max(axis=1)
        else:
            apart = mine.center_m[:, None, :2] - real.center_m[None, :, :2]
            quality[rows] = 1 - np.minimum(np.linalg.norm(apart, axis=2).min(axis=1), 1)
    return quality


def town_settings(seed: int, duration_s: float = 20.0) -> SceneSettings:
    """A random town, sensor and traffic; by the seed common traffic or one full of rarer things."""
    random = np.random.default_rng(seed)
    lidar = LidarSettings(
        n_beams=int(random.choice([32, 64, 64, 64, 128])),
        azimuth_step_rad=float(random.uniform(0.0018, 0.0045)),
        range_noise_m=float(random.uniform(0.008, 0.03)),
        reach_m=float(random.uniform(70, 120)),
        drop_share=float(random.uniform(0.005, 0.05)),
        position_m=(0.9, 0.0, float(random.uniform(1.6, 2.2))),
    )
    settings = SceneSettings(
        seed=seed + 1000,
        duration_s=duration_s,
        parked_share=float(random.uniform(0.3, 0.95)),
        vehicles=int(random.integers(8, 35)),
        cyclists=int(random.integers(3, 12)),
        pedestrians=int(random.integers(20, 80)),
        hill_height_m=float(random.uniform(0, 4)),
        lidar=lidar,
    )
    if seed in RARE_TOWNS:
        # Cyclists and lorries are rare in common traffic: towns that are full of them.
        settings = replace(settings, cyclists=3 * settings.cyclists + 12, lorry_share=0.5)
    if seed in DIGGER_TOWNS:
        settings = replace(settings, lorry_share=0.3, digger_share=0.2)
    return settings


def simulated(seed: int):
    """Yield (points, truth, group, pose) of a random town, sensor and traffic."""
    plan = make_plan(town_settings(seed))
    source, truth = SimulatedSweeps(plan), Truth(plan)
    for i in RARE_INSTANTS if seed in RARE_TOWNS else COMMON_INSTANTS:
        points = source(i).points_m
        boxes, index = truth.boxes(i)
        group = np.array([GROUP_OF.get(plan.bodies[k].class_name, -1) for k in index])
        ego = plan.world_from_ego(plan.sweep_times_s()[i : i + 1])[0]
        world_from_sensor = ego @ plan.ego_from_lidar()
        yield points, boxes.moved(inverse(world_from_sensor)), group, world_from_sensor


def recorded(path: Path, sweeps: range):
    """Yield (points, truth, group, pose) of a recording's sweeps."""
    recording = open_log(path)
    ego = interpolate_poses(recording.ego_poses, recording.timestamps_ns)
    group = np.array([GROUP_OF.get(n, -1) for n in recording.truth.class_names])
    for i in sweeps:
        world_from_sensor = ego[i] @ recording.ego_from_lidar
        now = recording.truth[recording.truth.timestamps_ns == recording.timestamps_ns[i]]
        cuboids = now.cuboids.moved(inverse(world_from_sensor))
        yield recording.source(i).points_m, cuboids, group[now.classes], world_from_sensor


def counted(points_m, truth: Cuboids) -> np.ndarray:
    """Points in each box."""
    return points_inside(points_m, truth)
