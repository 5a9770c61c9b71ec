"""Every image is the one its number says, however it is asked for."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from perception_label.video.images import open_images
from videos import number_in, write

N = 40
RNG = np.random.default_rng(3)
UNEVEN = 500 + np.cumsum(RNG.integers(20, 60, N))
EVEN = np.arange(N) * 40

OPEN = "log-level=none:open-gop=1:keyint=10:min-keyint=10:bframes=3"
KINDS = {
    "h264.mp4": ("libx264", {}),
    "h264.mkv": ("libx264", {}),
    "h264.ts": ("libx264", {}),
    "h264-pyramid.mp4": ("libx264", {"options": {"bf": "5", "preset": "medium"}}),
    "h264-open.mkv": ("libx264", {"options": {"x264-params": "open-gop=1:keyint=10:bframes=3"}}),
    "h264-refresh.mkv": ("libx264", {"options": {"bf": "0", "x264-params": "intra-refresh=1"}}),
    "h265.mp4": ("libx265", {}),
    "h265-open.mkv": ("libx265", {"options": {"x265-params": OPEN}}),
    "mjpeg.mkv": ("mjpeg", {"pix": "yuvj420p"}),
    "av1.mkv": ("libsvtav1", {}),
    "av1.mp4": ("libsvtav1", {}),
    "vp9.webm": ("libvpx-vp9", {}),
    "ffv1.mkv": ("ffv1", {}),
}


@pytest.fixture(scope="session", params=KINDS)
def video(request, tmp_path_factory):
    codec, kind = KINDS[request.param]
    return write(tmp_path_factory.mktemp("video") / request.param, UNEVEN, codec, **kind)


def test_times_of_an_uneven_rate_are_those_written(video):
    images = open_images(video)
    assert len(images) == N
    steps = np.diff(images.timestamps_ns) / 1e6
    np.testing.assert_allclose(steps, np.diff(UNEVEN), atol=0.02)
    assert images.warnings == ()


def test_any_image_in_any_order_is_the_one_asked_for(video):
    images = open_images(video, cache_bytes=0)
    for i in [*RNG.permutation(N), 0, 0, N - 1, 1, 2, 3, -1]:
        assert number_in(images.grey(int(i))) == i % N


def test_a_jump_gives_the_same_pixels_as_a_walk(video):
    images = open_images(video, cache_bytes=0)
    walked = list(images.greys())
    for i in RNG.permutation(N)[:15]:
        np.testing.assert_array_equal(images.grey(int(i)), walked[i])


def test_slices_go_forwards_and_backwards(video):
    images = open_images(video, cache_bytes=3 * 176 * 96)
    for start, stop, step in [(0, None, 1), (0, None, -1), (33, 4, -3), (5, 36, 7), (7, 7, 1)]:
        first = N - 1 if step < 0 and start == 0 else start
        expected = list(range(N))[slice(first, stop, step)]
        assert [number_in(g) for g in images.greys(start, stop, step)] == expected


def test_threads_share_a_source(video):
    images = open_images(video, cache_bytes=10 * 40_000)
    asked = RNG.integers(0, N, 60).tolist()
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda i: number_in(images.image(i)), asked))
    assert shown == asked


def test_a_preview_shows_the_same_image_smaller(video):
    images = open_images(video)
    assert images.image(21, scale=0.5).shape == (48, 88, 3)
    assert number_in(images.image(21, scale=0.5)) == 21
    assert number_in(images.image(21)) == 21


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_avi_gives_images_in_the_order_shown(codec, tmp_path):
    pix = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = {} if codec == "mjpeg" else {"bf": "2"}
    path = write(tmp_path / "a.avi", range(N), codec, ms=False, pix=pix, options=options)
    images = open_images(path, cache_bytes=0)
    assert [number_in(g) for g in images.greys()] == list(range(N))
    assert [number_in(images.grey(int(i))) for i in (31, 5, 12, 11)] == [31, 5, 12, 11]
    assert (np.diff(images.timestamps_ns)[1:] == 100_000_000).all()


def test_an_avi_that_begins_late_says_that_its_first_time_is_made_up(tmp_path):
    path = write(tmp_path / "a.avi", range(5, 25), "mjpeg", ms=False, pix="yuvj420p")
    images = open_images(path)
    assert [number_in(g) for g in images.greys()] == list(range(20))
    assert "first image's time is made up" in images.warnings[0]


def test_a_raw_stream_has_no_times_and_says_so(tmp_path):
    images = open_images(write(tmp_path / "a.h264", EVEN))
    assert [number_in(g) for g in images.greys()] == list(range(N))
    assert "no times" in images.warnings[0]
    assert number_in(images.image(17)) == 17


def test_leaving_a_walk_early_stops_its_thread(tmp_path):
    import threading

    images = open_images(write(tmp_path / "a.mp4", EVEN))
    walk = images.greys()
    next(walk)
    walk.close()
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]


def test_memory_of_a_walk_does_not_grow(tmp_path):
    images = open_images(write(tmp_path / "a.mp4", EVEN), cache_bytes=100_000)
    for _ in images.greys():
        assert images._cache.n_bytes <= 100_000


def test_ten_bits_become_their_upper_eight(tmp_path):
    images = open_images(write(tmp_path / "a.mkv", EVEN[:5], "ffv1", pix="yuv420p10le"))
    grey = images.grey(3)
    assert grey.dtype == np.uint8
    assert number_in(grey) == 3
    assert number_in(images.image(4)) == 4


def test_a_grey_video_is_rgb_with_equal_channels(tmp_path):
    images = open_images(write(tmp_path / "a.mkv", EVEN[:5], "ffv1", pix="gray"))
    rgb = images.image(2)
    assert rgb.shape == (96, 176, 3)
    assert (rgb[..., 0] == rgb[..., 2]).all()
    np.testing.assert_array_equal(images.grey(2), rgb[..., 0])


def test_a_source_survives_pickling(tmp_path):
    import pickle

    images = open_images(write(tmp_path / "a.mp4", EVEN), timestamps_ns=np.arange(N) * 7)
    again = pickle.loads(pickle.dumps(images))
    assert again.timestamps_ns.tolist() == images.timestamps_ns.tolist()
    assert number_in(again.image(7)) == 7
