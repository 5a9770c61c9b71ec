"""100,000 edits of 5,000 tracks: replay, one track, one append; the target is 1 s and 5 ms.

`python benchmarks/storage/bench_edits.py` prints the table; `--url` measures PostgreSQL,
`--shapes` sets boxes on images instead of cuboids.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pytest

from perception_label.geometry.shapes import Shape
from perception_label.storage.edits import EditLog, make
from perception_label.storage.edits.checks_images import CameraImages
from perception_label.storage.edits.database import Database

N_TRACKS, N_EDITS, IN_ONE = 5_000, 100_000, 5_000
TIMES = 10**18 + np.arange(600, dtype=np.int64) * 100_000_000


CAMERAS = {"front": CameraImages(TIMES, 1920, 1080)}


def some_edits(seed=0, *, with_shapes=False):
    """Each track created, then keyframes and, now and then, every other kind of edit."""
    rng = np.random.default_rng(seed)
    per_track = N_EDITS // N_TRACKS
    edits = []
    for k in range(N_TRACKS):
        name, center = f"t{k:05d}", rng.uniform(-500, 500, 3)
        mine = [make.create_track(name, "car", size_m=[4.5, 1.9, 1.6], source="model:proposals")]
        for i in rng.choice(len(TIMES), per_track - 5, replace=False):
            at, moved = int(TIMES[i]), 1e-10 * (TIMES[i] - TIMES[0])
            box = Shape.box([500 + moved, 300, 560 + moved, 420])
            mine.append(
                make.set_shape(name, "front", at, box)
                if with_shapes
                else make.set_keyframe(name, at, center + moved, 0.1)
            )
        mine.append(make.set_class(name, "truck"))
        mine.append(make.undo(mine[-1].edit_id))
        mine.append(make.set_static(name, int(TIMES[5]), int(TIMES[50])))
        mine.append(make.set_attribute(name, "occlusion", "partial", int(TIMES[7])))
        if k % 10 == 9:
            # A tenth of the tracks was put together from two.
            mine.append(make.split(name, int(TIMES[300]), f"{name}b"))
        else:
            mine.append(make.verdict(name, "accept"))
        edits += mine
    return edits


def filled(place, folder, *, with_shapes=False):
    log = EditLog(Database(place), "bench", TIMES, folder / "ontology.yaml", CAMERAS)
    edits = some_edits(with_shapes=with_shapes)
    for start in range(0, len(edits), IN_ONE):
        log.append(edits[start : start + IN_ONE])
    return log


def anew(log):
    """Return the log as a process that never saw it opens it."""
    return EditLog(log._database, log.log_id, TIMES, log._ontology_path, CAMERAS)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edits")
    return filled(folder / "labels.db", folder)


@pytest.mark.benchmark(group="100,000 edits")
def test_replay_of_the_log(benchmark, log):
    assert len(benchmark(lambda: anew(log).state()).tracks) >= N_TRACKS


@pytest.mark.benchmark(group="100,000 edits")
def test_state_again(benchmark, log):
    assert len(benchmark(log.state).tracks) >= N_TRACKS


@pytest.mark.benchmark(group="100,000 edits")
def test_state_of_one_track(benchmark, log):
    assert benchmark(log.track, "t02500").class_name == "car"


@pytest.mark.benchmark(group="100,000 edits")
def test_one_append(benchmark, log):
    benchmark(lambda: log.append([make.comment("t02500", "seen")]))


def timed(call, n):
    seconds = []
    for _ in range(n):
        begun = perf_counter()
        call()
        seconds.append(perf_counter() - begun)
    return f"{1e3 * min(seconds):.1f} ms, median {1e3 * median(seconds):.1f} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="PostgreSQL instead of a file")
    parser.add_argument("--shapes", action="store_true", help="boxes on images, not cuboids")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = given.url or Path(folder) / "labels.db"
        begun = perf_counter()
        log = filled(place, Path(folder), with_shapes=given.shapes)
        seconds = perf_counter() - begun
        print(f"append, {IN_ONE} at once: {N_EDITS / seconds:,.0f} edits/s")
        if given.url is None:
            print(f"labels.db: {place.stat().st_size / 1e6:.0f} MB")
        print("replay of all:", timed(lambda: anew(log).state(), 7))
        print("the state again:", timed(log.state, 7))
        print("one track:", timed(lambda: log.track("t02500"), 50))
        print("one track, put together from two:", timed(lambda: log.track("t02509"), 50))
        print("one append:", timed(lambda: log.append([make.comment("t02500", "seen")]), 50))
        log.close()
        print("open and one track:", timed(lambda: (log.track("t02500"), log.close()), 5))


if __name__ == "__main__":
    main()
