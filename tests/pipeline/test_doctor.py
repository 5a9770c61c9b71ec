"""Each fault is planted into a sound log, and found; the sound log has none."""

from dataclasses import replace

import numpy as np
import pytest

from perception_label import open_workspace
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.pipeline.doctor import examine
from recordings import MOUNT, PERIOD_NS, START_NS, MemorySource, path, recording, sweep_at

# Turned on its mounting: only then its inverse is another rotation too.
TURNED = MOUNT @ np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def examined(tmp_path, given, **options):
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(given, **options)
    return examine(workspace.log())


def one(findings, kind):
    assert [f.kind for f in findings] == [kind]
    return findings[0]


def drive(n=20, mount=MOUNT, **changes):
    times = START_NS + np.arange(n, dtype=np.int64) * PERIOD_NS
    poses = path(times)
    sweeps = tuple(sweep_at(k, poses.world_from_ego[k], mount) for k in range(n))
    return replace(
        recording(1),
        timestamps_ns=times,
        ego_poses=poses,
        source=MemorySource(sweeps),
        ego_from_lidar=mount,
        **changes,
    )


def changed(given, k, change):
    """The recording with sweep k's points changed."""
    sweeps = list(given.source.sweeps)
    sweeps[k] = replace(sweeps[k], points_m=change(sweeps[k].points_m.copy()))
    return replace(given, source=MemorySource(tuple(sweeps)))


@pytest.mark.parametrize("mount", [MOUNT, TURNED])
def test_a_sound_log_has_no_findings(tmp_path, mount):
    assert examined(tmp_path, drive(mount=mount)) == []


def test_a_missing_sweep_is_a_gap(tmp_path):
    given = drive()
    keep = np.delete(np.arange(20), [7, 8])
    source = MemorySource(tuple(given.source(i) for i in keep))
    short = replace(given, timestamps_ns=given.timestamps_ns[keep], source=source)
    found = one(examined(tmp_path, short), "clock_gap")
    assert found.where == "sweeps 6 to 7"
    assert found.evidence["n_missing"] == 2
    assert found.evidence["gap_s"] == pytest.approx(0.3)
    assert found.severity == "warning"


def test_a_clock_set_back_is_a_jump(tmp_path):
    given = drive()
    times = given.timestamps_ns.copy()
    times[11:] -= 90_000_000
    found = examined(tmp_path, replace(given, timestamps_ns=times, ego_poses=path(times)))
    jump = next(f for f in found if f.kind == "clock_jump")
    assert jump.where == "sweeps 10 to 11"
    assert jump.evidence["step_s"] == pytest.approx(0.01)


def test_disorder_and_repeats_of_the_source_are_told(tmp_path):
    given = drive()
    times = given.timestamps_ns.copy()
    times[4], times[5], times[9] = times[5], times[4], times[8]
    found = examined(tmp_path, replace(given, timestamps_ns=times))
    disorder = next(f for f in found if f.kind == "clock_disorder")
    assert dict(disorder.evidence) == {"n_out_of_order": 1, "n_duplicates": 1}


def test_a_pose_jump_is_found_where_it_is(tmp_path):
    given = drive()
    poses = given.ego_poses.world_from_ego.copy()
    poses[13:, 0, 3] += 1.5
    found = examined(tmp_path, replace(given, ego_poses=EgoPoses(given.timestamps_ns, poses)))
    jump = next(f for f in found if f.kind == "pose_jump")
    assert jump.where.startswith("ego poses 12 to 13")
    assert jump.severity == "error"
    assert jump.evidence["moved_m"] > 1.5


def test_a_heading_jump_is_found(tmp_path):
    given = drive()
    poses = given.ego_poses.world_from_ego.copy()
    poses[8, :3, :3] = poses[8, :3, :3] @ np.array([[-1, 0, 0], [0, -1, 0], [0, 0, 1.0]])
    found = examined(tmp_path, replace(given, ego_poses=EgoPoses(given.timestamps_ns, poses)))
    assert {f.where.split(",")[0] for f in found if f.kind == "pose_jump"} == {
        "ego poses 7 to 8",
        "ego poses 8 to 9",
    }


def test_missing_poses_are_found(tmp_path):
    found = one(examined(tmp_path, no_poses()), "missing_poses")
    assert "--odometry" in found.suggestion


def no_poses():
    return replace(drive(5), ego_poses=None, truth=None)


def test_sweeps_far_from_any_pose_are_found(tmp_path):
    given = drive()
    rows = [0, 19]
    sparse = EgoPoses(given.timestamps_ns[rows], given.ego_poses.world_from_ego[rows])
    found = examined(tmp_path, replace(given, ego_poses=sparse))
    gap = next(f for f in found if f.kind == "pose_gap")
    assert gap.evidence["n_sweeps"] == 8


def test_empty_and_sparse_sweeps_are_found(tmp_path):
    given = changed(drive(), 3, lambda p: p)
    sweeps = list(given.source.sweeps)
    for k, n in ((3, 0), (4, 100)):
        sweeps[k] = replace(
            sweeps[k],
            points_m=sweeps[k].points_m[:n],
            intensity=sweeps[k].intensity[:n],
            ring=sweeps[k].ring[:n],
            time_offset_ns=sweeps[k].time_offset_ns[:n],
        )
    found = examined(tmp_path, replace(given, source=MemorySource(tuple(sweeps))))
    assert {f.kind: f.where for f in found} == {
        "empty_sweeps": "sweeps 3",
        "sparse_sweeps": "sweeps 4",
    }


@pytest.mark.parametrize(("n", "severity"), [(10, "info"), (3900, "warning")])
def test_points_that_were_not_finite_are_found(tmp_path, n, severity):
    def spoil(points_m):
        points_m[:n] = np.nan
        return points_m

    given = drive(5)
    for k in range(5 if severity == "warning" else 1):
        given = changed(given, k, spoil)
    found = one(examined(tmp_path, given), "not_finite")
    assert found.severity == severity
    assert found.evidence["n_points"] == n * (5 if severity == "warning" else 1)


def test_points_too_far_are_found(tmp_path):
    def spoil(points_m):
        points_m[7] = (900, 0, 0)
        return points_m

    found = one(examined(tmp_path, changed(drive(5), 2, spoil)), "points_far")
    assert found.where == "sweeps 2"
    assert dict(found.evidence) == {"n_points": 1, "farthest_m": 900.0}


def test_points_below_the_road_are_found(tmp_path):
    def spoil(points_m):
        near = np.flatnonzero((np.linalg.norm(points_m, axis=1) < 25) & (points_m[:, 2] < -1.5))
        points_m[near[:: max(1, len(near) // 150)], 2] -= 4.0
        return points_m

    given = drive(5)
    for k in range(5):
        given = changed(given, k, spoil)
    found = one(examined(tmp_path, given), "points_below_ground")
    assert found.evidence["share"] > 0.01


def test_points_inside_the_vehicle_are_found(tmp_path):
    def spoil(points_m):
        points_m[:100] = 0
        return points_m

    given = drive(5)
    for k in range(5):
        given = changed(given, k, spoil)
    found = one(examined(tmp_path, given), "points_inside_ego")
    assert found.evidence["n_at_origin"] == 500


def test_extrinsics_the_wrong_way_round_are_found(tmp_path):
    backwards = replace(drive(mount=TURNED), ego_from_lidar=inverse(TURNED))
    found = one(examined(tmp_path, backwards), "wrong_extrinsic_direction")
    given, turned = (found.evidence[f"sharpness_{n}"] for n in ("as_given", "extrinsic_inverted"))
    assert turned > 1.2 * given
    assert found.suggestion.startswith("ego_from_lidar holds lidar_from_ego")


def test_poses_the_wrong_way_round_are_found(tmp_path):
    given = drive()
    flipped = EgoPoses(given.timestamps_ns, inverse(given.ego_poses.world_from_ego))
    found = one(examined(tmp_path, replace(given, ego_poses=flipped)), "wrong_pose_direction")
    assert found.severity == "error"


def test_a_local_origin_is_told(tmp_path):
    given = drive(5)
    poses = given.ego_poses.world_from_ego.copy()
    poses[:, :3, 3] += (691_000.0, 5_334_000.0, 500.0)
    utm = replace(given, ego_poses=EgoPoses(given.timestamps_ns, poses), truth=None)
    found = one(examined(tmp_path, utm), "utm_coordinates")
    assert (found.severity, found.evidence["origin_y_m"]) == ("info", 5_334_000.0)


def test_a_log_of_no_points_is_examined(tmp_path):
    given = recording(3, 0)
    assert one(examined(tmp_path, given), "empty_sweeps").severity == "error"
