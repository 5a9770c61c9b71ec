"""KITTI tracking, scored by TrackEval: its labels against themselves are perfect."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from checks import client


@client("trackeval")
def check(checks):
    import trackeval

    root = checks.folder / "kitti-tracking"
    n = len(checks.truth["timestamps_ns"])
    with tempfile.TemporaryDirectory() as folder:
        gt, trackers = Path(folder, "gt"), Path(folder, "trackers")
        shutil.copytree(root / "label_02", gt / "label_02")
        (gt / "evaluate_tracking.seqmap.training").write_text(f"hill-1 empty 000000 {n:06d}\n")
        (trackers / "own/data").mkdir(parents=True)
        lines = (root / "label_02/hill-1.txt").read_text().splitlines()
        scored = "".join(f"{line} 1.0\n" for line in lines)
        (trackers / "own/data/hill-1.txt").write_text(scored)
        quiet = {
            "PRINT_CONFIG": False, "PRINT_RESULTS": False, "TIME_PROGRESS": False,
            "OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False,
        }  # fmt: skip
        evaluator = trackeval.Evaluator({**trackeval.Evaluator.get_default_eval_config(), **quiet})
        data = trackeval.datasets.Kitti2DBox(
            {
                **trackeval.datasets.Kitti2DBox.get_default_dataset_config(),
                "GT_FOLDER": str(gt),
                "TRACKERS_FOLDER": str(trackers),
                "TRACKERS_TO_EVAL": ["own"],
                "PRINT_CONFIG": False,
            }
        )
        plain = {"PRINT_CONFIG": False}
        metrics = [
            trackeval.metrics.HOTA(),
            trackeval.metrics.CLEAR(plain),
            trackeval.metrics.Identity(plain),
        ]
        found = evaluator.evaluate([data], metrics)[0]["Kitti2DBox"]["own"]["COMBINED_SEQ"]
    for name in ("car", "pedestrian"):
        scores = found[name]
        checks.that(f"{name}s are scored", scores["Count"]["GT_Dets"] > 0, scores["Count"])
        checks.near(f"HOTA of {name}s is 1", [1 - np.mean(scores["HOTA"]["HOTA"])], 1e-6)
        others = [1 - scores["CLEAR"]["MOTA"], 1 - scores["Identity"]["IDF1"]]
        checks.near(f"MOTA and IDF1 of {name}s are 1", others, 1e-6)
