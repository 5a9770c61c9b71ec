"""A drive as Boreas keeps it, written apart from the reader."""

import numpy as np
from PIL import Image

from readers.drives import SIZES, YAWS

# Applanix: x right, y ahead. The LiDAR: x ahead, y left, and turned a little.
TURN = 0.05
APPLANIX_FROM_LIDAR = np.array(
    [[np.cos(np.pi / 2 + TURN), -np.sin(np.pi / 2 + TURN), 0, 0.02],
     [np.sin(np.pi / 2 + TURN), np.cos(np.pi / 2 + TURN), 0, 0.1],
     [0, 0, 1, 0.45], [0, 0, 0, 1]]
)  # fmt: skip
CAMERA_FROM_LIDAR = np.array([[0, -1, 0, 0.1], [0, 0, -1, -0.3], [1, 0, 0, -0.9], [0, 0, 0, 1.0]])
PROJECTION = np.array([[300.0, 0, 100, 0], [0, 300, 60, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
FLU_FROM_APPLANIX = np.array([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
NAMES = ("Car", "Truck", "Pedestrian")


def boreas(folder, made):
    root = folder / "boreas-2021-01-01-00-00"
    for part in ("applanix", "calib", "lidar", "labels_detection", "camera", "radar"):
        (root / part).mkdir(parents=True)
    for name, matrix in (
        ("T_applanix_lidar", APPLANIX_FROM_LIDAR),
        ("T_camera_lidar", CAMERA_FROM_LIDAR),
        ("P_camera", PROJECTION),
    ):
        text = "\n".join(" ".join(f"{v:.18e}" for v in row) for row in matrix)
        (root / f"calib/{name}.txt").write_text(text + "\n")
    ego_from_lidar = FLU_FROM_APPLANIX @ APPLANIX_FROM_LIDAR
    head = "ROSTime,easting,northing,altitude,vel_east,vel_north,vel_up,roll,pitch,heading,"
    lines = [head + "angvel_z,angvel_y,angvel_x"]
    for i, at in enumerate((made.times_ns // 1000).tolist()):
        pose = made.world_from_ego[i] @ ego_from_lidar
        turn = float(np.arctan2(pose[1, 0], pose[0, 0]))
        lines.append(
            ",".join(map(repr, [at, *pose[:3, 3].tolist(), 0, 0, 0, 0, 0, -turn, 0, 0, 0]))
        )
        back = np.linalg.inv(ego_from_lidar)
        points = made.points_m[i] @ back[:3, :3].T + back[:3, 3]
        n = len(points)
        columns = [points, np.arange(n) % 256, np.arange(n) % 128, np.linspace(-0.05, 0.05, n)]
        data = np.column_stack(columns).astype("<f4").tobytes()
        (root / f"lidar/{at}.bin").write_bytes(data)
        boxes = []
        lidar_from_world = np.linalg.inv(pose)
        for k, name in enumerate(NAMES):
            center = lidar_from_world[:3, :3] @ made.centers_m[i, k] + lidar_from_world[:3, 3]
            words = [*SIZES[k].tolist(), *center.tolist(), -(YAWS[k] - turn)]
            boxes.append(f"id-{k} {name} {' '.join(map(repr, map(float, words)))} 40")
        (root / f"labels_detection/{at}.txt").write_text("\n".join(boxes) + "\n")
        Image.new("L", (200, 120)).save(root / f"camera/{at}.png")
        Image.new("L", (4, 4)).save(root / f"radar/{at}.png")
    (root / "applanix/lidar_poses.csv").write_text("\n".join(lines) + "\n")
    return root
