"""MOT, loaded and scored by motmetrics."""

import numpy as np
from checks import client


@client("motmetrics")
def check(checks):
    # The library is older than the NumPy that it runs with.
    np.asfarray = getattr(np, "asfarray", lambda a, dtype=float: np.asarray(a, dtype=dtype))
    import motmetrics

    motas, switches = [], []
    for path in sorted((checks.folder / "mot").glob("*/gt/gt.txt")):
        truth = motmetrics.io.loadtxt(str(path), fmt="mot15-2D", min_confidence=1)
        found = motmetrics.utils.compare_to_groundtruth(truth, truth, "iou", distth=0.5)
        metrics = motmetrics.metrics.create()
        said = metrics.compute(found, metrics=["mota", "num_switches"], name="own")
        motas.append(said["mota"].iloc[0] - 1)
        switches.append(int(said["num_switches"].iloc[0]))
        n_lines = len(path.read_text().splitlines())
        checks.that("every line is a box of confidence 1", len(truth) == n_lines, len(truth))
    checks.near("MOTA against itself is 1", motas, 1e-9)
    checks.that("no switches", switches and not any(switches), switches)
