"""Decoding at 1080p: any image by number, and all in turn, beside bare PyAV, OpenCV, torchcodec.

`python benchmarks/video/bench_decode.py [--images 300] [--kind h264 …]`. Each image says its own
number in its pixels, so that a reader which gives another one is found out. Readers
take turns and the best of some rounds counts, since the machine may be shared; jumps go to
places drawn at random, nothing kept from one to the next.
"""

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from perception_label.video.images import open_images

WIDTH, HEIGHT, GOP, BITS, CELL = 1920, 1080, 30, 12, 32
KINDS = {
    "h264": ("h264.mp4", "libx264", {"preset": "medium", "crf": "23"}, "yuv420p"),
    "h264 without B": ("h264p.mp4", "libx264", {"bf": "0", "preset": "medium"}, "yuv420p"),
    "h265": ("h265.mp4", "libx265", {"preset": "fast", "x265-params": "log-level=none"}, "yuv420p"),
    "av1": ("av1.mp4", "libsvtav1", {"preset": "10"}, "yuv420p"),
    "mjpeg": ("mjpeg.avi", "mjpeg", {"q": "4"}, "yuvj420p"),
}


def street(n):
    """Yield n images: a textured plane that pans, things that move on it, sensor noise."""
    rng = np.random.default_rng(0)
    plane = np.zeros((HEIGHT + 200, WIDTH + 1200, 3), np.float32)
    for step in (4, 16, 64):
        shape = (-(-plane.shape[0] // step), -(-plane.shape[1] // step), 3)
        patch = rng.normal(0, 5 * step**0.4, shape).astype(np.float32)
        plane += patch.repeat(step, 0).repeat(step, 1)[: plane.shape[0], : plane.shape[1]]
    plane = np.clip(plane + 110, 0, 255).astype(np.uint8)
    noise = rng.integers(0, 5, (HEIGHT, WIDTH + 64, 3), dtype=np.uint8)
    for i in range(n):
        x = (i * 3) % 1200
        picture = plane[100 : 100 + HEIGHT, x : x + WIDTH] // 2 + 60
        for k in range(12):
            left, top = (k * 160 + i * (k - 5)) % (WIDTH - 100), 300 + 50 * k
            picture[top : top + 60, left : left + 100] = plane[
                top : top + 60, 90 * k : 90 * k + 100
            ]
        picture += noise[:, i % 64 : i % 64 + WIDTH]
        for bit in range(BITS):
            picture[:CELL, bit * CELL : (bit + 1) * CELL] = 255 if i >> bit & 1 else 0
        yield picture


def number_in(grey):
    """Return the number an image shows."""
    cells = grey[CELL // 2, CELL // 2 : BITS * CELL : CELL]
    return sum(int(v > 127) << b for b, v in enumerate(cells))


def write(path, codec, options, pix, n):
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix
        stream.codec_context.gop_size = GOP
        for i, pixels in enumerate(street(n)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture.pts, picture.time_base = i, Fraction(1, 30)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def walker_bare(path):
    """Decode with PyAV and nothing else: the limit."""

    def walk():
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            return sum(1 for _ in container.decode(video=0))

    return walk


def walker_ours(path):
    images = open_images(path)
    return lambda: sum(1 for _ in images.greys())


def walker_opencv(path):
    import cv2

    def walk():
        video, n = cv2.VideoCapture(str(path)), 0
        while video.read()[0]:
            n += 1
        return n

    return walk


def walker_torchcodec(path):
    from torchcodec.decoders import VideoDecoder

    return lambda: sum(1 for _ in VideoDecoder(str(path), num_ffmpeg_threads=0))


def jumper_ours(path):
    return open_images(path, cache_bytes=0).grey


def jumper_bare(path):
    """Seek to the key and decode up to the image with PyAV, the place of the key being known."""
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"

    def jump(i):
        container.seek(round(i // GOP * GOP / 30 / stream.time_base), stream=stream)
        for picture in container.decode(stream):
            if round(picture.time * 30) >= i:
                return picture.to_ndarray(format="gray")
        raise ValueError(i)

    return jump


def jumper_opencv(path):
    import cv2

    video = cv2.VideoCapture(str(path))

    def jump(i):
        video.set(cv2.CAP_PROP_POS_FRAMES, i)
        return video.read()[1][..., 1]

    return jump


def jumper_torchcodec(path):
    from torchcodec.decoders import VideoDecoder

    video = VideoDecoder(str(path), num_ffmpeg_threads=0)
    return lambda i: video[i].numpy()[1]


WALKERS = {
    "bare PyAV": walker_bare,
    "ours": walker_ours,
    "OpenCV": walker_opencv,
    "torchcodec": walker_torchcodec,
}
JUMPERS = {
    "bare PyAV": jumper_bare,
    "ours": jumper_ours,
    "OpenCV": jumper_opencv,
    "torchcodec": jumper_torchcodec,
}


def installed(makers, path):
    """Return what the makers make, of readers that are installed."""
    made = {}
    for name, make in makers.items():
        try:
            made[name] = make(path)
        except ImportError:
            continue
    return made


def walks_in_turn(path, rounds):
    """Return images per second of each reader's rounds, and its least CPU seconds per image."""
    rates, cpu = {}, {}
    walks = installed(WALKERS, path)
    for _ in range(rounds):
        for name, walk in walks.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            n = walk()
            if not n:
                continue
            spent = (time.process_time() - start_cpu) / n
            rates.setdefault(name, []).append(n / (time.perf_counter() - start))
            cpu[name] = min(cpu.get(name, np.inf), spent)
    return rates, cpu


def jumps(jump, n_images, n_jumps, rounds):
    """Return seconds and CPU seconds of each jump, best of some rounds, and how many were wrong."""
    places = np.random.default_rng(1).integers(0, n_images, n_jumps).tolist()
    wall, cpu, n_wrong = np.full(n_jumps, np.inf), np.full(n_jumps, np.inf), 0
    for _ in range(rounds):
        for k, i in enumerate(places):
            start, start_cpu = time.perf_counter(), time.process_time()
            grey = jump(i)
            cpu[k] = min(cpu[k], time.process_time() - start_cpu)
            wall[k] = min(wall[k], time.perf_counter() - start)
            n_wrong += number_in(grey) != i
    return wall, cpu, n_wrong


def report(kind, path, given):
    start = time.perf_counter()
    images = open_images(path)
    opened = (time.perf_counter() - start) * 1e3
    size = path.stat().st_size / 1e6
    print(f"\n{kind}: {len(images)} images, {size:.1f} MB, opened in {opened:.0f} ms")
    rates, walk_cpu = walks_in_turn(path, given.rounds)
    walks = {reader: max(each) for reader, each in rates.items()}
    for reader, rate in walks.items():
        rounds = ", ".join(f"{r:.0f}" for r in rates[reader])
        print(
            f"  walk {reader:10s} {rounds} images/s in turns, {rate / walks['bare PyAV']:.2f} of "
            f"bare, CPU {walk_cpu[reader] * 1e3:.2f} ms an image"
        )
    for reader, jump in installed(JUMPERS, path).items():
        if reader not in walks:
            print(f"  {reader}: cannot decode it")
            continue
        wall, cpu, n_wrong = jumps(jump, len(images), given.jumps, given.rounds)
        p50, p95 = np.percentile(wall, [50, 95])
        print(
            f"  jump {reader:10s} p50 {p50 * 1e3:6.1f} ms, p95 {p95 * 1e3:6.1f} ms = "
            f"{p95 * walks['bare PyAV']:.1f} images of a bare walk, CPU p95 "
            f"{np.percentile(cpu, 95) * 1e3:.0f} ms; {n_wrong} wrong images"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--jumps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kind", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--folder", type=Path, help="keep the videos there")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    for kind in given.kind:
        name, *rest = KINDS[kind]
        path = folder / f"{given.images}-{name}"
        if not path.exists():
            write(path, *rest, given.images)
        report(kind, path, given)


if __name__ == "__main__":
    main()
