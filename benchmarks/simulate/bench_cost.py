"""What labelling costs on simulated logs of three densities; (b) is what today's tools do.

python benchmarks/simulate/bench_cost.py            # 60 s each: about half an hour
python benchmarks/simulate/bench_cost.py 10         # 10 s each
"""

import sys
import tempfile
from pathlib import Path

from perception_label.pipeline.propose import propose
from perception_label.pipeline.workspace import open_workspace
from perception_label.simulate import SceneSettings, simulate_log
from perception_label.simulate.effort.cost import cost

DENSITIES = {
    "low": {
        "seed": 8101,
        "vehicles": 10,
        "cyclists": 2,
        "pedestrians": 12,
        "parked_share": 0.35,
    },
    "mid": {"seed": 8102},
    "high": {
        "seed": 8103,
        "vehicles": 40,
        "cyclists": 12,
        "pedestrians": 90,
        "parked_share": 0.95,
    },
}


def row(name, settings):
    """Return one line of the table for a log of these settings."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "ws", create=True)
        workspace.ingest(simulate_log(settings))
        propose(workspace)
        report = cost(workspace)
    ours, sensor = report.strategies["ours"], report.strategies["sensor_linear"]
    quality = ours.quality
    return (
        f"| {name} | {len(report.judged.things)} | "
        f"{sensor.effort.seconds_per_track['nominal']:.0f} | "
        f"{ours.effort.seconds_per_track['nominal']:.1f} | "
        f"{report.times_cheaper()['sensor_linear']:.1f} | {quality.recall:.3f} | "
        f"{quality.passing:.3f} | {ours.work.n_keyframes} | {report.wall_s['ours']:.0f} s |"
    )


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    print("| log | tracks | (b) | ours | times | labelled | passing | keyframes | machine |")
    print("|---|---|---|---|---|---|---|---|---|")
    for density, given in DENSITIES.items():
        print(row(density, SceneSettings(duration_s=seconds, **given)), flush=True)
