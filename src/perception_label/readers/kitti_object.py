"""KITTI object: `velodyne/`, `label_2/`, `calib/`, single sweeps that do not follow each other."""

from pathlib import Path

import numpy as np

from perception_label.readers import kitti
from perception_label.readers.files import numbered, read_text
from perception_label.readers.logs import only_log
from perception_label.readers.recording import Recording

UNRELATED = "single sweeps, not a drive: times are 1 s apart by order and mean nothing"
PERIOD_NS = 1_000_000_000


def logs(path: Path) -> list[str]:
    """Return the name of the KITTI object folder that the path is, or of its `training`."""
    return [p.name for p in _roots(path)]


def open_log(path: Path) -> Recording:
    """Open the sweeps of a KITTI object folder; their labels stay out, there is no world."""
    root = only_log(path, _roots(path), "KITTI object folder")
    files = numbered(root / "velodyne", [".bin"])
    times = np.arange(len(files), dtype=np.int64) * PERIOD_NS
    labels = [p for f in files if (p := root / "label_2" / f"{f.stem}.txt").is_file()]
    n = sum(line.split()[:1] not in ([], ["DontCare"]) for p in labels
            for line in read_text(p).splitlines())  # fmt: skip
    return Recording(
        log_id=f"kitti-object-{root.name}",
        format="kitti_object",
        lidar="velodyne",
        timestamps_ns=times,
        ego_from_lidar=np.eye(4),
        source=kitti.KittiSweeps(tuple(files), times),
        files=files,
        left_out=[f"{n} labels: without ego poses they have no place in the world"] if n else [],
        warnings=[UNRELATED],
        is_deskewed=False,
    )


def _roots(path: Path) -> list[Path]:
    def is_one(root: Path) -> bool:
        return (root / "label_2").is_dir() and bool(numbered(root / "velodyne", [".bin"]))

    return next(([root] for root in (path, path / "training") if is_one(root)), [])
