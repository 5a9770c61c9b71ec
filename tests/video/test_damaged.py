"""Bad video: a clear error or a stated rule, and never an image under another one's number."""

from fractions import Fraction

import av
import numpy as np
import pytest

from perception_label.errors import ShapeError, SourceError
from perception_label.video.images import open_images
from videos import number_in, numbered, write

N = 40
EVEN = np.arange(N) * 40
BAD = 14  # the packet that is damaged; keys are 0, 10, 20, 30


def damage(path, packet=BAD, keep=12):
    """Overwrite a packet behind its first bytes; return path."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(container.streams.video[0]) if p.size]
    data = bytearray(path.read_bytes())
    at, size = places[packet]
    noise = np.random.default_rng(1).integers(0, 256, max(size - keep, 0), dtype=np.uint8)
    data[at + keep : at + size] = noise.tobytes()
    path.write_bytes(data)
    return path


def told(images, i, how):
    """Return the number an image shows, or the word damaged."""
    try:
        return number_in(how(images, i))
    except SourceError as error:
        return "damaged" if f"image {i} (" in str(error) and "damaged" in str(error) else str(error)


@pytest.mark.parametrize(
    ("name", "codec", "options", "keep"),
    [
        ("a.mp4", "libx264", {"bf": "0"}, 16),
        ("b.mp4", "libx264", {"bf": "2"}, 16),
        ("b.mkv", "libx265", {}, 12),
        ("m.avi", "mjpeg", {}, 16),
        ("f.mkv", "ffv1", {"slicecrc": "1"}, 16),
    ],
)
def test_a_damaged_packet_spoils_what_needs_it_and_shifts_nothing(
    tmp_path, name, codec, options, keep
):
    pix = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = damage(write(tmp_path / name, EVEN, codec, options=options, pix=pix), keep=keep)
    images = open_images(path, cache_bytes=0)
    assert len(images) == N
    order = np.random.default_rng(0).permutation(N)
    jumped = [told(images, int(i), lambda s, i: s.grey(i)) for i in order]
    walked = [told(open_images(path), i, lambda s, i: s.image(i)) for i in range(N)]
    assert [walked[i] for i in order] == jumped
    spoilt = [i for i in range(N) if walked[i] == "damaged"]
    assert [i for i in range(N) if walked[i] not in (i, "damaged")] == []
    assert BAD in spoilt or codec in ("libx264", "libx265")
    assert 0 < len(spoilt) <= 10
    assert set(spoilt) <= ({BAD} if codec == "mjpeg" else set(range(10, 20)))
    assert images.damaged_images() == spoilt


def test_a_walk_over_damage_stops_there_or_repeats(tmp_path):
    path = damage(write(tmp_path / "m.avi", EVEN, "mjpeg", pix="yuvj420p"), keep=16)
    with pytest.raises(SourceError, match=f"image {BAD} .*damaged"):
        list(open_images(path).greys())
    repeated = open_images(path, damaged="repeat")
    shown = [number_in(g) for g in repeated.greys()]
    assert shown == [13 if i == BAD else i for i in range(N)]
    assert [number_in(g) for g in repeated.greys(step=-1)] == shown[::-1]
    assert repeated.damaged_images() == [BAD]


def test_a_damaged_first_image_is_repeated_from_the_next_good_one(tmp_path):
    path = damage(write(tmp_path / "m.avi", EVEN, "mjpeg", pix="yuvj420p"), 0, keep=16)
    images = open_images(path, damaged="repeat")
    assert [number_in(images.grey(i)) for i in (0, 1, 2)] == [1, 1, 2]


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.ts", "m.avi", "av1.mkv", "fast.mp4"])
@pytest.mark.parametrize("share", [0.35, 0.6, 0.9])
def test_a_file_cut_short_keeps_the_images_that_are_there(tmp_path, name, share):
    codec = {"m.avi": "mjpeg", "av1.mkv": "libsvtav1"}.get(name, "libx264")
    pix = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    fast = {"movflags": "faststart"} if name == "fast.mp4" else None
    whole = write(tmp_path / f"whole-{name}", EVEN, codec, pix=pix, container_options=fast)
    data = whole.read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    images = open_images(path)
    assert 0 < len(images) <= N
    shown = [number_in(g) for g in images.greys()]
    if name != "a.ts" and len(images) < N:
        # A transport stream announces nothing: that its end is missing cannot be seen.
        assert any("cut short" in w or "cut off" in w for w in images.warnings)
        assert shown == list(range(len(images)))
    elapsed = (images.timestamps_ns - images.timestamps_ns[0]) / 1e6
    np.testing.assert_allclose(elapsed, EVEN[shown] - EVEN[0], atol=1)


def test_a_file_cut_before_its_index_is_an_error(tmp_path):
    path = write(tmp_path / "a.mp4", EVEN)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(SourceError, match=r"expected a (whole video file|video stream), got"):
        open_images(path)


def test_a_video_of_no_images_is_an_error(tmp_path):
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 176, 96, "yuvj420p"
        out.start_encoding()
    with pytest.raises(SourceError, match=r"none\.avi: expected"):
        open_images(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        out.mux(stream.encode(sound))
    with pytest.raises(SourceError, match="expected a video stream, got none"):
        open_images(path)


def test_nothing_and_rubbish_are_told_apart(tmp_path):
    with pytest.raises(SourceError, match=r"a video file or a folder, got nothing"):
        open_images(tmp_path / "nowhere.mp4")
    (tmp_path / "text.mp4").write_text("no video\n" * 99)
    with pytest.raises(SourceError, match="expected a whole video file, got"):
        open_images(tmp_path / "text.mp4")


def sized(path, change_at, codec="mjpeg", n=10):
    """Write a video whose images are twice as large from one on."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 176, 96, "yuvj420p"
        for k in range(n):
            factor = 1 if k < change_at else 2
            encoder = av.CodecContext.create(codec, "w")
            encoder.width, encoder.height, encoder.pix_fmt = 176 * factor, 96 * factor, "yuvj420p"
            encoder.time_base = Fraction(1, 10)
            pixels = numbered(k).repeat(factor, 0).repeat(factor, 1)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            for packet in encoder.encode(picture.reformat(format="yuvj420p")) + encoder.encode(
                None
            ):
                packet.pts = packet.dts = k
                packet.time_base, packet.stream = Fraction(1, 10), stream
                out.mux(packet)
    return path


def test_an_image_of_another_size_is_named(tmp_path):
    images = open_images(sized(tmp_path / "a.avi", 6))
    assert number_in(images.grey(5)) == 5
    with pytest.raises(
        SourceError, match=r"image 6 \(0\.600 s\): expected 176 x 96 px as the first, got 352 x 192"
    ):
        images.image(6)
    with pytest.raises(SourceError, match="image 7"):
        images.image(7, scale=0.5)
    with pytest.raises(SourceError, match="image 6"):
        list(images.greys())


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_rotation_is_applied_as_players_do(tmp_path, degrees, turns):
    pixels = open_images(write(tmp_path / "a.mp4", EVEN[:12])).image(9)
    images = open_images(write(tmp_path / "r.mp4", EVEN[:12], rotate=degrees))
    assert (images.height_px, images.width_px) == np.rot90(pixels, turns).shape[:2]
    np.testing.assert_array_equal(images.image(9), np.rot90(pixels, turns))
    assert images.grey(9).shape == (images.height_px, images.width_px)
    assert images.image(9, scale=0.5).shape[:2] == (images.height_px // 2, images.width_px // 2)


def test_times_that_go_back_keep_the_order_of_the_file(tmp_path):
    half = write(tmp_path / "half.ts", EVEN).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(half + half)
    images = open_images(path, cache_bytes=0)
    assert len(images) == 2 * N
    assert [number_in(g) for g in images.greys()] == [*range(N), *range(N)]
    for i in np.random.default_rng(0).permutation(2 * N)[:20]:
        assert number_in(images.grey(int(i))) == i % N
    assert f"go back at 1 images, first at image {N}" in images.warnings[0]
    assert images.timestamps_ns[N] == images.timestamps_ns[0]


def repeating(path, times):
    """Write JPEGs in Matroska at these times, which may repeat."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 176, 96, "yuvj420p"
        stream.time_base = Fraction(1, 1000)
        for k, at in enumerate(times):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = 176, 96, "yuvj420p"
            encoder.time_base = Fraction(1, 1000)
            picture = av.VideoFrame.from_ndarray(numbered(k), format="rgb24")
            for packet in encoder.encode(picture.reformat(format="yuvj420p")) + encoder.encode(
                None
            ):
                packet.pts = packet.dts = int(at)
                packet.time_base, packet.stream = Fraction(1, 1000), stream
                out.mux(packet)
    return path


def test_times_that_repeat_are_kept_and_told(tmp_path):
    times = np.arange(20) * 100
    times[7] = times[6]
    times[12] = times[13] = times[11]
    images = open_images(repeating(tmp_path / "a.mkv", times), cache_bytes=0)
    assert [number_in(g) for g in images.greys()] == list(range(20))
    assert (images.timestamps_ns // 1_000_000).tolist() == times.tolist()
    assert "repeat at 3 images, first at image 7" in images.warnings[0]
    for i in (12, 6, 7, 13, 11):
        assert number_in(images.image(i)) == i


def test_a_stream_that_begins_amid_a_group_leaves_out_what_cannot_be_decoded(tmp_path):
    whole = write(tmp_path / "a.ts", EVEN)
    with av.open(str(whole)) as container:
        places = [p.pos for p in container.demux(container.streams.video[0]) if p.size]
    path = tmp_path / "tail.ts"
    path.write_bytes(whole.read_bytes()[places[13] :])
    images = open_images(path, cache_bytes=0)
    shown = [number_in(g) for g in images.greys()]
    assert shown == list(range(N - len(images), N))
    assert shown[0] == 20
    assert "before the first key" in images.warnings[0]


def test_times_given_by_hand_must_fit(tmp_path):
    path = write(tmp_path / "a.mp4", EVEN)
    with pytest.raises(ShapeError, match="a time for each of 40 images, got 39"):
        open_images(path, timestamps_ns=np.arange(39))
    assert open_images(path, timestamps_ns=np.arange(40)).timestamps_ns[39] == 39
