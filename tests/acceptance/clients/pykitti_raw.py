"""A KITTI raw drive, read by pykitti: sweeps, path, calibration, times, pictures."""

import datetime

import numpy as np
from checks import client


@client("pykitti")
def check(checks):
    import pykitti

    truth = checks.truth
    drive = next((checks.folder / "kitti-raw" / "hill-1").glob("*/*_sync"))
    date = drive.parent.name
    raw = pykitti.raw(str(drive.parents[1]), date, "0001")
    times = truth["timestamps_ns"]
    checks.that("every sweep is there", len(raw) == len(times) == len(raw.velo_files), len(raw))
    world_from_ego = np.array(truth["world_from_ego"])
    first = world_from_ego[0, :3, 3]
    errors = [o.T_w_imu[:3, 3] - (w[:3, 3] - first)
              for o, w in zip(raw.oxts, world_from_ego, strict=True)]  # fmt: skip
    checks.near("the ego vehicle's path on hills", np.ravel(errors))
    errors = [o.T_w_imu[:3, :3] - w[:3, :3] for o, w in zip(raw.oxts, world_from_ego, strict=True)]
    checks.near("its rotation", np.ravel(errors))
    ego_from_lidar = np.array(truth["ego_from_lidar"])
    checks.near(
        "the LiDAR's place", np.ravel(np.linalg.inv(raw.calib.T_velo_imu) - ego_from_lidar), 1e-7
    )
    at = [(t - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
          for t in raw.timestamps]  # fmt: skip
    checks.near("times to the microsecond", np.subtract(at, np.array(times) // 1000), 0)
    inside, seen = [], []
    for sweep in range(len(times)):
        points = raw.get_velo(sweep)[:, :3]
        for row in checks.rows(sweep).values():
            world_from_lidar = world_from_ego[sweep] @ ego_from_lidar
            heading = np.array([np.cos(row["yaw_rad"]), np.sin(row["yaw_rad"]), 0])
            axes = np.array([heading, [-heading[1], heading[0], 0], [0, 0, 1]])
            world = points @ world_from_lidar[:3, :3].T + world_from_lidar[:3, 3]
            local = (world - row["world_center_m"]) @ axes.T
            n = (np.abs(local) <= np.array(row["size_m"]) / 2).all(axis=1).sum()
            inside.append(n - row["n_points"])
            center = raw.calib.P_rect_20 @ raw.calib.T_cam0_velo @ [*row["lidar_center_m"], 1]
            seen.append(center[2] > 0 and (center[:2] / center[2] >= 0).all()
                        and (center[:2] / center[2] < raw.get_cam2(sweep).size).all())  # fmt: skip
    checks.near("points in the true boxes", inside, 0)
    checks.that("some boxes fall on the pictures", 5 < sum(seen) < len(seen), sum(seen))
