"""How far exact keyframes reach, what they cost, how long solving takes, what it expects.

python benchmarks/propagation/bench_solve.py SOURCE … [--json FILE] [--figure FILE.svg]
python benchmarks/propagation/bench_solve.py --simulate 60 --seed 8101 --seed 8102

A SOURCE is a workspace, WORKSPACE:LOG_ID, or a recording (of several: PATH:NAME) as
`perception-label ingest` takes it (also the labels of Boreas), which goes to a temporary
workspace. `--only` chooses parts. Needs truth: it is the exact keyframes, and the judge.
Boxes of fewer than five points are not judged.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import process_time

import figure
import numpy as np
from boreas_labels import boreas
from exact_tracks import Thing, solve, things
from keyframes_needed import METHODS, asked, boxes_per_keyframe, strides

import perception_label as pl
from perception_label.geometry.overlap import overlap_3d_pairs
from perception_label.pipeline.click import cuboid_from_click
from perception_label.simulate import SceneSettings, simulate_log
from perception_label.storage.logs import Log

PARTS = ("one", "needed", "strides", "speed", "click", "reliability")
NEAR_NS = 2_000_000_000
SPAN_NS = 20_000_000_000
MOST_KEYFRAMES = 3
MOST_TIMED = 60
MANY_POINTS = 100
PASSING = 0.99  # of its boxes, and the track is called right
TRAFFIC = {
    "low": {"vehicles": 10, "pedestrians": 15, "cyclists": 3, "parked_share": 0.4},
    "mid": {},
    "high": {"vehicles": 40, "pedestrians": 80, "cyclists": 12, "parked_share": 0.9},
}


def one_keyframe(tracks: list[Thing]) -> dict:
    """Shares of boxes that pass with one exact keyframe, at the best-seen sweep of each track."""
    rows = defaultdict(list)
    for t in tracks:
        key = t.best_seen
        judged = t.counts.copy()
        iou = solve(t, [key]).iou
        near = np.abs(t.times_ns - t.times_ns[key]) <= NEAR_NS
        motion = "static" if t.is_static else "moving"
        for kind in ("all", "small" if t.need < 0.6 else "vehicles"):
            for reach, inside in (("within 2 s", near), ("whole track", judged)):
                rows[f"{motion}, {kind}, {reach}"] += (iou >= t.need)[judged & inside].tolist()
    return {k: {"boxes": len(v), "passing": float(np.mean(v))} for k, v in sorted(rows.items())}


def speed(tracks: list[Thing], seed: int = 0) -> dict:
    """Seconds of processor time, one thread, to solve 20 s of a track again; the best of three."""
    order = np.random.default_rng(seed).permutation(len(tracks))[:MOST_TIMED]
    out = defaultdict(list)
    for t in (tracks[k] for k in order):
        times = t.log.timestamps_ns
        middle = t.times_ns[t.best_seen]
        first = max(times[0], min(middle - SPAN_NS // 2, times[-1] - SPAN_NS))
        span = (int(first), int(min(first + SPAN_NS, times[-1])))
        inside = np.flatnonzero((t.times_ns >= span[0]) & (t.times_ns <= span[1]))
        for name, keys in (
            ("one keyframe", [t.best_seen]),
            ("three keyframes", np.unique(inside[[0, len(inside) // 2, -1]]).tolist()),
        ):
            took = []
            for _ in range(3):
                start = process_time()
                solved = pl.solve_track(
                    t.log, t.resized(t.world[keys]), t.times_ns[keys], class_name=t.class_name,
                    span_ns=span,
                )  # fmt: skip
                took.append(process_time() - start)
            out[f"{'static' if solved.is_static else 'moving'}, {name}"].append(min(took))
    return {k: milliseconds(v) for k, v in sorted(out.items())}


def milliseconds(seconds: list[float]) -> dict:
    ms = 1e3 * np.array(seconds)
    return {
        "n": len(ms),
        "median_ms": float(np.median(ms)),
        "p95_ms": float(np.percentile(ms, 95)),
        "max_ms": float(ms.max()),
    }


def click(tracks: list[Thing], seed: int = 0) -> dict:
    """Tracks made of one click on the truth's centre, in a sweep that sees the object well."""
    rng = np.random.default_rng(seed)
    first, whole, right, passing, named, clear = [], [], [], [], [], []
    chosen = [t for t in tracks if t.n_points.max() >= 5]
    for t in (chosen[k] for k in rng.permutation(len(chosen))[:MOST_TIMED]):
        row = rng.choice(np.flatnonzero(t.n_points >= max(5, 0.3 * t.n_points.max())))
        where, point = int(t.at[row]), t.world.center_m[row]
        clear.append(bool(t.n_points.max() >= MANY_POINTS))
        start = process_time()
        try:
            cuboid_from_click(t.log, where, point)
            first.append(process_time() - start)
            start = process_time()
            track = pl.track_from_click(t.log, where, point)
            whole.append(process_time() - start)
        except pl.LabelError:
            right.append(False)
            passing.append(0.0)
            named.append(False)
            continue
        _, rows, at = np.intersect1d(t.times_ns[t.counts], track.timestamps_ns, return_indices=True)
        truth = t.world[np.flatnonzero(t.counts)[rows]]
        ok = overlap_3d_pairs(track.cuboids[at], truth) >= t.need
        passing.append(ok.sum() / t.counts.sum())
        right.append(passing[-1] >= PASSING)
        named.append(track.class_name == t.class_name)
    if not first:
        return {}
    return {
        "clicks": len(right),
        "no_object_found": len(right) - len(whole),
        "tracks_passing": float(np.mean(right)),
        "boxes_passing": float(np.mean(passing)),
        "clear_clicks": sum(clear),
        "clear_tracks_passing": float(np.mean(np.array(right)[clear])) if any(clear) else None,
        "class_right": float(np.mean(named)),
        "first_box": milliseconds(first),
        "whole_track": milliseconds(whole),
    }


def reliability(tracks: list[Thing]) -> list[dict]:
    """Expected against measured IoU in bins of 0.1, with 1, 2, 3 keyframes where it asks."""
    expected, measured = [], []
    for t in tracks:
        keys = [t.best_seen]
        for _ in range(MOST_KEYFRAMES):
            solved = solve(t, keys)
            judged = t.counts.copy()
            judged[keys] = False
            expected += solved.expected[judged].tolist()
            measured += solved.iou[judged].tolist()
            wish = asked(t, solved, keys)
            if not judged.any() or wish in keys:
                break
            keys.append(wish)
    if not expected:
        return []
    e, m = np.array(expected), np.array(measured)
    bins = np.clip((e * 10).astype(int), 0, 9)
    return [
        {
            "from": b / 10,
            "boxes": int((bins == b).sum()),
            "expected": float(e[bins == b].mean()),
            "measured": float(m[bins == b].mean()),
        }
        for b in range(10)
        if (bins == b).any()
    ]


def report(log: Log, parts=PARTS) -> dict:
    """Every figure of one log, as JSON would hold it."""
    tracks = things(log)
    has_points = bool(np.mean(log.n_points > 0) > 0.5)
    if tracks:  # the first solve of a log reads its sweeps; that is not what is timed
        solve(tracks[0], [0])
    out: dict = {
        "log": log.id,
        "sweeps": len(log.timestamps_ns),
        "seconds": float(np.ptp(log.timestamps_ns) / 1e9),
        "has_points": has_points,
        "tracks": len(tracks),
        "static_tracks": sum(t.is_static for t in tracks),
        "boxes": int(sum(t.counts.sum() for t in tracks)),
    }
    if "needed" in parts:
        out["needed"] = boxes_per_keyframe(tracks, METHODS)
    if "strides" in parts:
        out["strides"] = strides(tracks)
    if has_points:
        for name, part in (
            ("one", one_keyframe), ("speed", speed), ("click", click), ("reliability", reliability)
        ):  # fmt: skip
            if name in parts:
                out[name] = part(tracks)
    return out


def show(found: dict) -> None:
    """Print one log's report as tables."""
    print(
        f"\n## {found['log']}: {found['sweeps']} sweeps, {found['seconds']:.1f} s, "
        f"{found['tracks']} tracks ({found['static_tracks']} static), {found['boxes']} boxes"
    )
    for name, row in found.get("one", {}).items():
        print(f"one keyframe | {name} | {row['passing']:.3f} | {row['boxes']} boxes")
    for method, row in found.get("needed", {}).items():
        shares = " | ".join(f"{p} {row[p]['boxes_per_keyframe']:.1f}" for p in row)
        print(f"boxes per keyframe | {method} | {shares} | {row['all']['keyframes']} keyframes")
    for stride, methods in found.get("strides", {}).items():
        for method, r in methods.items():
            knots = r["passing_at_knots"]
            at = "-" if knots is None else f"{knots:.3f} of {r['knots']}"
            print(
                f"movers, every {stride} | {method} | mean {r['mean_iou']:.3f} | passing "
                f"{r['passing']:.3f} of {r['boxes']} | at knots {at}"
            )
    for name, row in found.get("speed", {}).items():
        print(f"20 s again | {name} | {told(row)}")
    if found.get("click"):
        c = found["click"]
        print(
            f"click | {c['clicks']} clicks, {c['no_object_found']} on nothing | tracks passing "
            f"{c['tracks_passing']:.2f} | of the {c['clear_clicks']} with {MANY_POINTS} points "
            f"{c['clear_tracks_passing'] or 0:.2f} | boxes {c['boxes_passing']:.2f} | class "
            f"{c['class_right']:.2f}\nclick | first box | {told(c['first_box'])}\n"
            f"click | whole track | {told(c['whole_track'])}"
        )
    for b in found.get("reliability", []):
        print(f"expected {b['expected']:.3f} | measured {b['measured']:.3f} | {b['boxes']} boxes")
    sys.stdout.flush()


def told(row: dict) -> str:
    return (
        f"median {row['median_ms']:.0f} ms | p95 {row['p95_ms']:.0f} | "
        f"most {row['max_ms']:.0f} | n {row['n']}"
    )


def logs_of(source: str, scratch: Path):
    """Yield the logs of a source; recordings are ingested into a workspace in `scratch`."""
    path, _, log_id = source.partition(":")
    if (Path(path) / "workspace.toml").exists():
        workspace = pl.open_workspace(path)
        for name in [log_id] if log_id else workspace.logs():
            yield workspace.log(name)
        return
    workspace = pl.open_workspace(scratch / f"ws-{len(list(scratch.iterdir()))}", create=True)
    has_boreas = (Path(path) / "labels_detection").exists()
    workspace.ingest(boreas(Path(path)) if has_boreas else source)
    for name in workspace.logs():
        yield workspace.log(name)


def simulated(seconds: float, seed: int, traffic: str, scratch: Path) -> str:
    """Return a new workspace with one simulated log."""
    workspace = pl.open_workspace(scratch / f"town-{seed}", create=True)
    settings = SceneSettings(duration_s=seconds, seed=seed, **TRAFFIC[traffic])
    workspace.ingest(simulate_log(settings))
    return str(workspace.path)


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sources", nargs="*", metavar="SOURCE")
    parser.add_argument("--simulate", type=float, metavar="SECONDS")
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--traffic", choices=TRAFFIC, default="mid")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args(arguments)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        scratch, sources = Path(folder), list(given.sources)
        if given.simulate:
            seeds = given.seed or [8101]
            sources += [simulated(given.simulate, s, given.traffic, scratch) for s in seeds]
        for source in sources:
            for log in logs_of(source, scratch):
                found.append(report(log, given.only))
                show(found[-1])
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if given.figure:
        figure.write(given.figure, figure.of_reports(found))
    return found


if __name__ == "__main__":
    main()
