"""TFRecord, read by TensorFlow: checksums held, examples parsed, points and pictures decoded."""

import numpy as np
from checks import client


@client("tensorflow-cpu")
def check(checks):
    import tensorflow as tf

    root = checks.folder / "tfrecord/hill-1"
    lists = {
        "center_m": tf.float32, "size_m": tf.float32, "track_id": tf.string,
        "is_key": tf.int64, "n_points": tf.int64, "class/text": tf.string,
    }  # fmt: skip
    wanted = {f"sweep/object/{name}": tf.io.VarLenFeature(kind) for name, kind in lists.items()}
    wanted |= {
        "sweep/number": tf.io.FixedLenFeature([], tf.int64),
        "sweep/points/xyz_m": tf.io.FixedLenFeature([], tf.string),
        "sweep/world_from_lidar": tf.io.FixedLenFeature([], tf.string),
    }
    centers, sizes, keys, poses, counts = [], [], [], [], []
    records = tf.data.TFRecordDataset(str(root / "sweeps.tfrecord"))
    for record in records:
        row = tf.io.parse_single_example(record, wanted)
        number = int(row["sweep/number"])
        truth = checks.rows(number)
        said = {name: row[f"sweep/object/{name}"].values.numpy() for name in lists}
        pose = tf.io.decode_raw(row["sweep/world_from_lidar"], tf.float64).numpy().reshape(4, 4)
        world_from_ego = np.array(checks.truth["world_from_ego"][number])
        poses += list((pose - world_from_ego @ checks.truth["ego_from_lidar"]).ravel())
        points = tf.io.decode_raw(row["sweep/points/xyz_m"], tf.float32).numpy().reshape(-1, 3)
        counts.append(int(np.isfinite(points).all()) - 1)
        for k, track in enumerate(said["track_id"]):
            box = truth[track.decode()]
            centers += list(said["center_m"].reshape(-1, 3)[k] - box["lidar_center_m"])
            sizes += list(said["size_m"].reshape(-1, 3)[k] - box["size_m"])
            keys.append(bool(said["is_key"][k]) != box["is_key"])
    checks.near("centres in the LiDAR frame of a moving ego", centers)
    checks.near("sizes", sizes)
    checks.near("the LiDAR's poses", poses, 1e-9)
    checks.near("keyframes told from the rest", keys, 0)
    checks.near("points are numbers", counts, 0)
    wanted = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/width": tf.io.FixedLenFeature([], tf.int64),
        "image/height": tf.io.FixedLenFeature([], tf.int64),
        "image/object/bbox/xmin": tf.io.VarLenFeature(tf.float32),
        "image/object/bbox/xmax": tf.io.VarLenFeature(tf.float32),
        "image/object/class/label": tf.io.VarLenFeature(tf.int64),
        "image/object/class/text": tf.io.VarLenFeature(tf.string),
    }
    sizes, inside = [], []
    for path in (root / "front.tfrecord", root / "left_back.tfrecord"):
        for record in tf.data.TFRecordDataset(str(path)):
            row = tf.io.parse_single_example(record, wanted)
            shape = tf.io.decode_image(row["image/encoded"]).shape[:2]
            sizes.append(tuple(shape) == (int(row["image/height"]), int(row["image/width"])))
            x0, x1 = (row[f"image/object/bbox/{n}"].values.numpy() for n in ("xmin", "xmax"))
            inside += list((x0 >= 0) & (x0 < x1) & (x1 <= 1))
    checks.that("every picture opens in its size", sizes and all(sizes), len(sizes))
    checks.that("boxes lie in the pictures", inside and all(inside), len(inside))
