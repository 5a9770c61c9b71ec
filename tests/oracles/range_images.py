"""Range images to points, one pixel at a time, with (4, 4) matrices and nothing shared."""

import math

import numpy as np


def points_of(range_m, ego_from_lidar, inclination_rad, pixel_poses=None, world_from_ego=None):
    """Return (N, 3) points in the ego frame, row by row."""
    height, width = np.shape(range_m)
    mount_yaw = math.atan2(ego_from_lidar[1][0], ego_from_lidar[0][0])
    out = []
    for row in range(height):
        rise = inclination_rad[height - 1 - row]
        for column in range(width):
            r = float(range_m[row][column])
            if not r > 0:
                continue
            # Column 0 looks back; azimuths are the vehicle's, so the mount's turn comes off.
            azimuth = math.pi - 2 * math.pi * (column + 0.5) / width - mount_yaw
            lidar = [
                r * math.cos(rise) * math.cos(azimuth),
                r * math.cos(rise) * math.sin(azimuth),
                r * math.sin(rise),
                1.0,
            ]
            ego = np.asarray(ego_from_lidar, dtype=float) @ lidar
            if pixel_poses is not None:
                then = pose_matrix([float(v) for v in pixel_poses[row][column]])
                ego = np.linalg.inv(world_from_ego) @ then @ ego
            out.append(ego[:3])
    return np.array(out).reshape(-1, 3)


def pose_matrix(values):
    """Return (4, 4) of roll, pitch, yaw about fixed x, y, z in that order, and a position."""
    roll, pitch, yaw, *place = values
    about_x = turn(roll, 1, 2)
    about_y = turn(pitch, 2, 0)
    about_z = turn(yaw, 0, 1)
    out = about_z @ about_y @ about_x
    out[:3, 3] = place
    return out


def turn(angle, first, second):
    """Return (4, 4) that turns axis `first` towards axis `second`."""
    out = np.eye(4)
    out[first, first] = out[second, second] = math.cos(angle)
    out[second, first], out[first, second] = math.sin(angle), -math.sin(angle)
    return out
