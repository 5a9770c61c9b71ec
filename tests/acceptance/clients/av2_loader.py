"""Argoverse 2 logs, opened by av2's loader and scored by its evaluations."""

import contextlib
import io

import numpy as np
from checks import client, heading, turn

LOG = "hill-1"
KINDS = {
    "car": "REGULAR_VEHICLE",
    "truck": "TRUCK",
    "pedestrian": "PEDESTRIAN",
    "cyclist": "BICYCLIST",
}


def _detections(checks):
    """Return truth as detections in the ego frame, made by this script."""
    import pandas as pd
    from scipy.spatial.transform import Rotation

    rows = []
    for row in checks.truth["rows"]:
        pose = np.array(checks.truth["world_from_ego"][row["sweep"]])
        box = Rotation.from_euler("Z", row["yaw_rad"]).as_matrix()
        qx, qy, qz, qw = Rotation.from_matrix(pose[:3, :3].T @ box).as_quat()
        place = dict(zip(("tx_m", "ty_m", "tz_m"), row["ego_center_m"], strict=True))
        size = dict(zip(("length_m", "width_m", "height_m"), row["size_m"], strict=True))
        rows.append(
            {
                "log_id": LOG,
                "timestamp_ns": row["timestamp_ns"],
                "category": KINDS[row["class_name"]],
                "score": 0.9,
                **{"qw": qw, "qx": qx, "qy": qy, "qz": qz},
                **place,
                **size,
            }
        )
    return pd.DataFrame(rows)


def _evaluate(checks, root):
    import pandas as pd
    from av2.evaluation.detection.eval import evaluate
    from av2.evaluation.detection.utils import DetectionCfg

    given = pd.read_feather(root / "val" / LOG / "annotations.feather").assign(log_id=LOG)
    config = DetectionCfg(
        dataset_dir=root / "val", eval_only_roi_instances=True, categories=tuple(KINDS.values())
    )
    with contextlib.redirect_stdout(io.StringIO()):
        _, _, said = evaluate(_detections(checks), given, config, n_jobs=1)
    errors = said.loc[list(KINDS.values()), ["ATE", "ASE", "AOE"]].to_numpy().ravel()
    checks.near("errors of place, size, heading, detections from truth", errors, 1e-3)
    checks.that("AP", said.loc[list(KINDS.values()), "AP"].min() > 0.999, said["AP"].to_dict())


def _track(checks, root):
    import pandas as pd
    from av2.evaluation.tracking.eval import evaluate_tracking
    from av2.evaluation.tracking.utils import group_frames

    given = pd.read_feather(root / "val" / LOG / "annotations.feather")
    ids = {
        track: k for k, track in enumerate(sorted({r["track_id"] for r in checks.truth["rows"]}))
    }
    names = list(KINDS.values())

    def sequence(sweep, rows):
        return {
            "seq_id": LOG,
            "timestamp_ns": checks.truth["timestamps_ns"][sweep],
            "track_id": np.array([r[0] for r in rows]),
            "translation_m": np.array([r[1] for r in rows]),
            "size": np.array([r[2] for r in rows]),
            "yaw": np.array([r[3] for r in rows]),
            "velocity_m_per_s": np.zeros((len(rows), 3)),
            "label": np.array([names.index(r[4]) for r in rows]),
            "score": np.ones(len(rows)),
            "name": np.array([r[4] for r in rows]),
            "ego_translation_m": np.array(checks.truth["world_from_ego"][sweep])[:3, 3],
        }

    truth, ours = [], []
    for sweep, at in enumerate(checks.truth["timestamps_ns"]):
        rows = checks.rows(sweep).values()
        truth.append(
            sequence(
                sweep,
                [
                    (ids[r["track_id"]], r["world_center_m"], r["size_m"], r["yaw_rad"],
                     KINDS[r["class_name"]])
                    for r in rows
                ],
            )
        )  # fmt: skip
        pose = np.array(checks.truth["world_from_ego"][sweep])
        part = given[given["timestamp_ns"] == at]
        ours.append(
            sequence(
                sweep,
                [
                    (ids[b.track_uuid], pose[:3, :3] @ [b.tx_m, b.ty_m, b.tz_m] + pose[:3, 3],
                     [b.length_m, b.width_m, b.height_m], 0.0, b.category)
                    for b in part.itertuples()
                ],
            )
        )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        said = evaluate_tracking(
            group_frames(truth),
            group_frames(ours),
            names,
            "ours",
            str(checks.folder.parent / "av2"),
        )
    said = said["TrackEvalDataset"]["ours"]["COMBINED_SEQ"]["REGULAR_VEHICLE"]
    checks.that(
        "HOTA and MOTA of the tracks",
        said["HOTA"]["HOTA"].mean() > 0.999 and said["CLEAR"]["MOTA"] > 0.999,
    )


if __name__ == "__main__":  # its evaluation starts processes that import this script

    @client("av2")
    def check(checks):
        import pandas as pd
        from av2.datasets.sensor.constants import RingCameras
        from av2.datasets.sensor.sensor_dataloader import SensorDataloader
        from av2.structures.cuboid import CuboidList

        root = checks.folder / "argoverse2"
        loader = SensorDataloader(
            root, with_annotations=True, with_cache=False,
            cam_names=(RingCameras.RING_FRONT_CENTER,),
        )  # fmt: skip
        n_sweeps = len(checks.truth["timestamps_ns"])
        checks.that("every sweep is there", len(loader) == n_sweeps, len(loader))
        path = root / "val" / LOG / "annotations.feather"
        table = pd.read_feather(path)
        moving, world, sizes, yaws, counts, poses, n_images = [], [], [], [], [], [], 0
        for sweep in range(n_sweeps):
            rows, datum = checks.rows(sweep), loader[sweep]
            pose = np.array(checks.truth["world_from_ego"][sweep])
            there = datum.timestamp_city_SE3_ego_dict[checks.truth["timestamps_ns"][sweep]]
            poses += list((there.transform_matrix - pose).ravel())
            n_images += len(datum.synchronized_imagery or {})
            # Its cuboids have no id: they come in the order of the table.
            part = table[table["timestamp_ns"] == checks.truth["timestamps_ns"][sweep]]
            for box, said in zip(datum.annotations.cuboids, part.itertuples(), strict=True):
                row = rows[said.track_uuid]
                moving += list(box.dst_SE3_object.translation - row["ego_center_m"])
                moving += list(box.dst_SE3_object.rotation[:, 0] - row["ego_heading"])
                sizes += list(np.subtract([box.length_m, box.width_m, box.height_m], row["size_m"]))
                city = box.transform(there)
                world += list(city.dst_SE3_object.translation - row["world_center_m"])
                yaws.append(turn(heading(city.dst_SE3_object.rotation[:, 0]), row["yaw_rad"]))
                inside = box.compute_interior_points(datum.sweep.xyz)[1]
                counts += [int(inside.sum()) - row["n_points"]]
                counts += [said.num_interior_pts - row["n_points"]]
        checks.near("ego poses", poses)
        checks.near("centres and headings in the ego frame", moving)
        checks.near("centres and headings in the world, by its transforms", [*world, *yaws])
        checks.near("sizes", sizes)
        checks.near("points in each box, by compute_interior_points and as written", counts, 0)
        checks.that("an image of the forward camera for each sweep", n_images == n_sweeps, n_images)
        checks.that(
            "CuboidList.from_feather",
            len(CuboidList.from_feather(path)) == len(checks.truth["rows"]),
        )
        _evaluate(checks, root)
        _track(checks, root)
