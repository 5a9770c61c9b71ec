"""Points of shapes between two keyframes in a simulated moving camera, against exact flow.

python benchmarks/video/bench_points.py --cache FOLDER [--outline]

Points on things of 600 pixels and more, that stay in sight; `--outline` takes those within two
pixels of the mask's outline. Straight lines, riding on the propagated box, and ours.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_erosion, map_coordinates

SECONDS, EVERY, LEAST_PX, DRAWN, MOST, FEWEST = 10, 5, 600, 40, 12, 6
WIDER_PX = np.array([-8.0, -8.0, 8.0, 8.0])


def render(cache):
    """Return images, instances, flow to the next image, and where it is not hidden."""
    folder = Path(cache) / f"points-{SECONDS}"
    names = ("rgb", "ids", "flow", "seen")
    if not (folder / "seen.npy").exists():
        from perception_label.simulate.camera import simulated_cameras
        from perception_label.simulate.settings import CameraSettings, SceneSettings

        folder.mkdir(parents=True, exist_ok=True)
        settings = SceneSettings(seed=1, duration_s=SECONDS, cameras=(CameraSettings(),))
        camera = simulated_cameras(settings)["front"]
        made = [camera.labelled(i) for i in range(len(camera))]
        flows = [camera.flow(i) for i in range(len(camera) - 1)]
        parts = (
            [one.rgb for one in made], [one.instances for one in made],
            [one.flow_px for one in flows], [one.is_seen for one in flows],
        )  # fmt: skip
        for name, part in zip(names, parts, strict=True):
            np.save(folder / f"{name}.npy", np.array(part))
    return [np.load(folder / f"{name}.npy", mmap_mode="r") for name in names]


def exact(begin, thing, first, n, ids, flow, seen):
    """Return where points go by exact flow, (n + 1, P, 2), and which stay in sight."""
    path, is_seen = [begin], np.ones(len(begin), dtype=bool)
    height, width = ids.shape[1:]
    for t in range(first, first + n):
        x, y = np.rint(path[-1]).astype(int).T
        is_seen &= (x >= 0) & (y >= 0) & (x < width) & (y < height)
        x, y = x.clip(0, width - 1), y.clip(0, height - 1)
        is_seen &= seen[t][y, x] & (ids[t][y, x] == thing)
        at = [path[-1][:, 1], path[-1][:, 0]]
        way = [map_coordinates(flow[t][..., c], at, order=1, mode="nearest") for c in (0, 1)]
        path.append(path[-1] + np.stack(way, axis=1))
    return np.array(path), is_seen


def paths(n, is_outline, ids, flow, seen):
    """Yield the first image and the exact path of each shape."""
    rng = np.random.default_rng(0)
    for first in range(0, len(ids) - n, EVERY):
        for thing in np.unique(ids[first]):
            mask = ids[first] == thing
            if thing == 0 or mask.sum() < LEAST_PX:
                continue
            if is_outline:
                mask = mask & ~binary_erosion(mask, iterations=2)
            y, x = np.nonzero(mask)
            chosen = rng.choice(len(y), DRAWN, replace=False)
            begin = np.stack([x[chosen], y[chosen]], axis=1).astype(float)
            path, is_seen = exact(begin, thing, first, n, ids, flow, seen)
            if is_seen.sum() >= FEWEST:
                yield first, path[:, is_seen][:, :MOST]


def main():
    from perception_label.video.images import open_images
    from perception_label.video.point_paths import Gap, filled, follow_gaps
    from perception_label.video.propagate_boxes import propagate_tracks

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument("--outline", action="store_true")
    args = parser.parse_args()
    rgb, ids, flow, seen = render(args.cache)
    source = open_images(rgb)
    for n in (5, 10, 20):
        firsts, truths = zip(*paths(n, args.outline, ids, flow, seen), strict=True)
        gaps = [Gap(a, a + n, t[0], t[-1]) for a, t in zip(firsts, truths, strict=True)]
        ends = [end for t in truths for end in (t[0], t[-1])]
        boxes = [np.concatenate([e.min(axis=0), e.max(axis=0) + 1]) + WIDER_PX for e in ends]
        at = np.array([k for gap in gaps for k in (gap.first, gap.last)])
        found = propagate_tracks(source, np.array(boxes), at, np.arange(len(gaps)).repeat(2))
        errors = {name: [] for name in ("lines", "riding", "followed", "all points")}
        share = (np.arange(n + 1) / n)[:, None, None]
        for k, (gap, truth, path) in enumerate(
            zip(gaps, truths, follow_gaps(source, gaps), strict=True)
        ):
            box = found.boxes_px[k, gap.first : gap.last + 1, None]
            size = box[..., 2:] - box[..., :2]
            places = [(truth[e] - box[e, 0, :2]) / size[e] for e in (0, -1)]
            ridden = ((1 - share) * places[0] + share * places[1]) * size + box[..., :2]
            line = (1 - share) * truth[0] + share * truth[-1]
            for name, one in zip(errors, (line, ridden, path, filled(path, ridden)), strict=True):
                errors[name].append(np.linalg.norm(one - truth, axis=2)[1:-1].ravel())
        told = []
        for name, parts in errors.items():
            error = np.concatenate(parts)
            known = error[np.isfinite(error)]
            told.append(f"{name} ({len(known) / len(error):.0%}) {known.mean():.2f}")
        print(f"{n} images apart, {len(gaps)} shapes, mean px: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
