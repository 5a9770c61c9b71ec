"""MOT, scored by TrackEval and by motmetrics: labels against themselves are perfect."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from checks import client

QUIET = {
    "PRINT_CONFIG": False, "PRINT_RESULTS": False, "TIME_PROGRESS": False,
    "OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False,
}  # fmt: skip


@client("trackeval")
def check(checks):
    import trackeval

    root = checks.folder / "mot"
    sequences = sorted(p.name for p in root.glob("*__*") if (p / "gt/gt.txt").stat().st_size)
    with tempfile.TemporaryDirectory() as folder:
        gt, data = Path(folder, "gt"), Path(folder, "trackers/PL-train/own/data")
        data.mkdir(parents=True)
        n_boxes = 0
        for name in sequences:
            shutil.copytree(root / name, gt / "PL-train" / name)
            rows = [x.split(",") for x in (root / name / "gt/gt.txt").read_text().splitlines()]
            n_boxes += len(rows)
            # The benchmark scores pedestrians alone: all are called so here.
            lines = [",".join([*row[:7], "1", row[8]]) + "\n" for row in rows]
            (gt / "PL-train" / name / "gt/gt.txt").write_text("".join(lines))
            results = [",".join([*row[:6], "1", "-1", "-1", "-1"]) + "\n" for row in rows]
            (data / f"{name}.txt").write_text("".join(results))
        (gt / "seqmaps").mkdir()
        (gt / "seqmaps/PL-train.txt").write_text("name\n" + "\n".join(sequences) + "\n")
        evaluator = trackeval.Evaluator({**trackeval.Evaluator.get_default_eval_config(), **QUIET})
        config = {
            **trackeval.datasets.MotChallenge2DBox.get_default_dataset_config(),
            "GT_FOLDER": str(gt), "TRACKERS_FOLDER": str(Path(folder, "trackers")),
            "BENCHMARK": "PL", "SPLIT_TO_EVAL": "train", "PRINT_CONFIG": False,
        }  # fmt: skip
        silent = {"PRINT_CONFIG": False}
        metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(silent)]
        metrics.append(trackeval.metrics.Identity(silent))
        found, _ = evaluator.evaluate([trackeval.datasets.MotChallenge2DBox(config)], metrics)
    scores = found["MotChallenge2DBox"]["own"]["COMBINED_SEQ"]["pedestrian"]
    checks.near("HOTA is 1", [np.mean(scores["HOTA"]["HOTA"]) - 1], 1e-9)
    checks.near("MOTA is 1", [scores["CLEAR"]["MOTA"] - 1], 1e-9)
    checks.near("IDF1 is 1", [scores["Identity"]["IDF1"] - 1], 1e-9)
    counted = scores["Count"]["GT_Dets"]
    checks.that("every box counts, interpolated ones too", counted == n_boxes > 20, counted)
