"""A folder of pictures behaves as a video does."""

import numpy as np
import pytest
from PIL import Image

from perception_label.errors import SourceError
from perception_label.video.images import ImageSource, open_images
from videos import number_in, numbered


def put(folder, n=12, suffix=".png", name="{:d}"):
    folder.mkdir()
    for k in range(n):
        Image.fromarray(numbered(k)).save(folder / (name.format(k) + suffix))
    return folder


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_pictures_are_ordered_as_a_person_counts(tmp_path, suffix):
    images = open_images(put(tmp_path / "a", suffix=suffix))
    assert isinstance(images, ImageSource)
    assert [number_in(images.image(i)) for i in (0, 2, 10, 11, -1)] == [0, 2, 10, 11, 11]
    assert [number_in(g) for g in images.greys(10, 1, -4)] == [10, 6, 2]
    assert number_in(images.image(7, scale=0.5)) == 7
    assert images.image(7, scale=0.5).shape == (48, 88, 3)
    assert images.timestamps_ns[1] == 100_000_000


@pytest.mark.parametrize(
    ("name", "step_ns"),
    [
        ("16000000{:02d}", 1_000_000_000),
        ("16000000000{:02d}", 1_000_000),
        ("16000000000000{:02d}", 1_000),
        ("16000000000000000{:02d}", 1),
        ("12.3{:02d}", 1_000_000),
    ],
)
def test_names_that_are_times_date_the_images(tmp_path, name, step_ns):
    images = open_images(put(tmp_path / "a", 3, name=name))
    assert np.diff(images.timestamps_ns).tolist() == [step_ns] * 2


def test_grey_and_sixteen_bits_and_transparency(tmp_path):
    ramp = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4369
    Image.fromarray(ramp).save(tmp_path / "0.png")
    Image.fromarray((ramp >> 8).astype(np.uint8)).save(tmp_path / "1.png")
    Image.fromarray(np.full((4, 4, 4), 100, np.uint8), "RGBA").save(tmp_path / "2.png")
    Image.fromarray((ramp >> 8).astype(np.uint8)).convert("P").save(tmp_path / "3.png")
    images = open_images(tmp_path)
    for i in (0, 1, 3):
        np.testing.assert_array_equal(images.grey(i), ramp >> 8)
    assert images.image(0).shape == (4, 4, 3)
    assert (images.image(2) == 100).all()


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_applied(tmp_path, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(numbered(5)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    images = open_images(tmp_path)
    upright = np.rot90(numbered(5), turns)
    assert (images.height_px, images.width_px) == upright.shape[:2]
    assert np.abs(images.image(0).astype(int) - upright).mean() < 6
    small = images.image(0, scale=0.5)
    assert small.shape == (upright.shape[0] // 2, upright.shape[1] // 2, 3)
    assert np.abs(small.astype(int) - upright[::2, ::2]).mean() < 12


def test_a_picture_of_another_size_is_named(tmp_path):
    put(tmp_path / "a", 3)
    Image.new("RGB", (64, 48)).save(tmp_path / "a" / "2.png")
    images = open_images(tmp_path / "a")
    with pytest.raises(SourceError, match="expected 176 x 96 px as the first, got 64 x 48"):
        images.image(2)
    with pytest.raises(SourceError, match="expected 176 x 96 px as the first, got 64 x 48"):
        images.image(2, scale=0.5)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_cut_short_is_named_and_the_others_stay(tmp_path, suffix):
    folder = put(tmp_path / "a", 4, suffix)
    path = folder / f"2{suffix}"
    path.write_bytes(path.read_bytes()[:-300])
    images = open_images(folder)
    with pytest.raises(SourceError, match=rf"2\{suffix}: expected a whole PNG or JPEG image"):
        images.image(2)
    assert number_in(images.image(3)) == 3
    with pytest.raises(SourceError, match=r"expected a whole"):
        list(images.greys())


def test_a_folder_without_pictures_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="expected PNG or JPEG images, got none"):
        open_images(tmp_path)


def test_what_is_kept_stays_below_its_limit(tmp_path):
    images = open_images(put(tmp_path / "a"), cache_bytes=2 * 176 * 96 * 3)
    for i in range(12):
        images.image(i)
    assert images._cache.n_bytes <= 2 * 176 * 96 * 3
