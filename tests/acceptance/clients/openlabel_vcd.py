"""OpenLABEL, read by VCD, its reference library: boxes are moved by its own transforms."""

import numpy as np
from checks import client, turn


@client("vcd")
def check(checks):
    from vcd import core, scl

    path = checks.folder / "openlabel" / "hill-1.openlabel.json"
    document = core.OpenLABEL()
    document.load_from_file(str(path), validation=True)
    n = len(checks.truth["timestamps_ns"])
    there = document.get_frame_intervals().get()
    checks.that("every sweep is an instant", there == [(0, n - 1)], there)
    scene = scl.Scene(document)
    names = {uid: document.get_object(uid)["name"] for uid in document.get_objects()}
    types = {uid: document.get_object(uid)["type"] for uid in document.get_objects()}
    centers, headings, sizes, lidar, classes, counts = [], [], [], [], [], []
    for sweep in range(n):
        rows = checks.rows(sweep)
        for uid, name in names.items():
            row = rows[name]
            cuboid = document.get_object_data(uid, "shape3D", sweep)
            val = cuboid["val"]
            world = np.array(scene.transform_cuboid(val, "ego", "world", sweep))
            centers += list(world[:3] - row["world_center_m"])
            headings.append(turn(world[5], row["yaw_rad"]))
            sizes += list(world[6:] - row["size_m"])
            place = scene.transform_points3d_4xN(np.array([[*val[:3], 1.0]]).T, "ego", "top", sweep)
            lidar += list(place[:3, 0] - row["lidar_center_m"])
            classes.append(types[uid] == row["class_name"])
            told = {a["name"]: a["val"] for a in cuboid["attributes"]["num"]}
            counts.append(told["n_points"] - row["n_points"])
    checks.near("centres in the world, by its transform_cuboid", centers)
    checks.near("headings in the world", headings)
    checks.near("sizes", sizes)
    checks.near("centres in the LiDAR, by its tree of sensors", lidar)
    checks.that("classes", all(classes), len(classes))
    checks.near("attributes: points in each box", counts, 0)
    pinhole = document.data["openlabel"]["streams"]["front"]["stream_properties"]
    matrix = np.array(pinhole["intrinsics_pinhole"]["camera_matrix"]).reshape(3, 4)
    seen = []
    for row in checks.rows(0).values():
        world = np.array([[*row["world_center_m"], 1.0]]).T
        ahead = matrix @ scene.transform_points3d_4xN(world, "world", "front", 0)
        pixel = ahead[:2, 0] / ahead[2, 0]
        seen.append(ahead[2, 0] > 0 and (pixel >= 0).all() and (pixel < [160, 120]).all())
    checks.that("boxes ahead fall into the front camera", 2 <= sum(seen) < len(seen), sum(seen))
