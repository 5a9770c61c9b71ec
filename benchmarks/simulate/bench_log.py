"""The simulator: a plan, one sweep of 64 beams, a whole 20 s log. No rival: it must take <= 60 s.

python -m pytest benchmarks/simulate/bench_log.py
python benchmarks/simulate/bench_log.py     # the whole log, with peak memory
"""

import itertools
import resource
import time

import pytest

from perception_label.simulate.log import SimulatedSweeps, simulate_log
from perception_label.simulate.plan import make_plan
from perception_label.simulate.settings import SceneSettings

LOG = SceneSettings(seed=1, duration_s=20.0)


@pytest.mark.benchmark(group="simulate: plan of 20 s")
def test_plan(benchmark):
    plan = benchmark.pedantic(make_plan, args=(LOG,), rounds=3)
    assert plan.parked


@pytest.mark.benchmark(group="simulate: one sweep, 64 beams, 2083 columns")
def test_sweep(benchmark):
    source = SimulatedSweeps(make_plan(LOG))
    source(0)  # the scene around the first sweeps is built once
    turn = itertools.cycle(range(10))
    assert len(benchmark(lambda: source(next(turn)))) > 80_000


def main() -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    recording = simulate_log(LOG)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    points = len(recording.source(100))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"20 s, 200 sweeps of about {points} points, {len(recording.truth)} boxes: "
        f"{wall:.1f} s wall, {cpu:.1f} s CPU, peak {peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
