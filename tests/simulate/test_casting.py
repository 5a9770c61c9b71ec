from dataclasses import replace

import numpy as np

from perception_label.geometry.poses import inverse
from perception_label.simulate.casting import Caster
from perception_label.simulate.plan import START_NS


def test_a_ray_returns_at_most_once(made):
    sweep = made[0].sweep
    rays = sweep.ring.astype(np.int64) + 1000 * sweep.time_offset_ns.astype(np.int64)
    assert len(np.unique(rays)) == len(rays)


def test_movers_are_hit_where_they_are_when_the_ray_is_fired(recording, made):
    """Without the smear of the sweep, every point lies on the body, noise and mirrors aside."""
    plan = recording.source.plan
    first, total = len(plan.parked) + 1, 0
    for i in (2, 7):
        sweep = made[i].sweep
        lidar = plan.world_from_ego(plan.sweep_times_s()[i : i + 1])[0] @ plan.ego_from_lidar()
        world = sweep.points_m.astype(float) @ lidar[:3, :3].T + lidar[:3, 3]
        time = (sweep.timestamp_ns - START_NS + sweep.time_offset_ns) * 1e-9
        for k, actor in enumerate(plan.actors):
            rows = made[i].instances == first + k
            if rows.sum() < 5 or not actor.drive.v_mps[-1] > 0:
                continue
            object_from_world = inverse(actor.poses(plan.town, time[rows]))
            local = np.einsum("nij,nj->ni", object_from_world[:, :3, :3], world[rows])
            local += object_from_world[:, :3, 3]
            length, width, height = actor.body.size_m
            over = np.abs(local - [0, 0, height / 2]) - np.array([length, width, height]) / 2
            assert over[:, [0, 2]].max() < 0.09
            assert over[:, 1].max() < 0.24
            total += int(rows.sum())
    assert total > 50


def test_movers_only_ever_hide_what_is_behind_them(recording):
    """With them gone a ray goes on, at least as far; rays that miss them are as before."""
    plan = recording.source.plan
    random = np.random.default_rng(0)
    n = 4000
    azimuth, elevation = random.uniform(-np.pi, np.pi, n), random.uniform(-0.3, 0.05, n)
    flat = np.cos(elevation)
    rays = np.column_stack([np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)])
    time = np.full(n, 0.45)
    start = plan.world_from_ego(time[:1])[0, :3, 3] + [0, 0, 2.0]
    origins, columns = np.tile(start, (n, 1)), np.arange(n)  # each ray a column of its own
    full = Caster(plan).cast(origins, rays, columns, time)
    empty = Caster(replace(plan, actors=())).cast(origins, rays, columns, time)
    on_mover = full.instances > len(plan.parked)
    assert on_mover.sum() > 10
    assert (full.range_m[on_mover] < empty.range_m[on_mover]).all()
    assert np.array_equal(full.range_m[~on_mover], empty.range_m[~on_mover])
    assert np.array_equal(full.instances[~on_mover], empty.instances[~on_mover])
