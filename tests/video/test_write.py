import numpy as np
import pytest

from perception_label.errors import SettingError
from perception_label.video.images import open_images
from perception_label.video.write import write_video

PICTURES = [np.full((48, 64, 3), 20 * k, dtype=np.uint8) for k in range(8)]
TIMES = np.array([0, 40, 80, 120, 300, 340, 380, 420]) * 1_000_000


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".mov"])
def test_a_video_is_read_back_in_order(tmp_path, suffix):
    path = tmp_path / f"v{suffix}"
    write_video(path, PICTURES, TIMES)
    read = open_images(path)
    assert len(read) == 8
    assert [round(read.image(i).mean() / 20) for i in range(8)] == list(range(8))


def test_images_keep_their_times_also_where_the_rate_changes(tmp_path):
    write_video(tmp_path / "v.mp4", PICTURES, TIMES + 10**18)
    found = open_images(tmp_path / "v.mp4").timestamps_ns
    assert np.abs(found - TIMES).max() < 1_000_000


def test_times_that_repeat_or_go_back_follow_each_other(tmp_path):
    write_video(tmp_path / "v.mp4", PICTURES, TIMES[[0, 1, 1, 0, 2, 3, 4, 5]])
    found = open_images(tmp_path / "v.mp4")
    assert len(found) == 8
    assert (np.diff(found.timestamps_ns) > 0).all()


def test_odd_sides_lose_a_row_and_a_column(tmp_path):
    write_video(tmp_path / "v.mp4", [p[:47, :63] for p in PICTURES], TIMES)
    read = open_images(tmp_path / "v.mp4")
    assert (read.height_px, read.width_px) == (46, 62)


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"a suffix of \.mp4"):
        write_video(tmp_path / "v.gif", PICTURES, TIMES)
    with pytest.raises(SettingError, match="2 pixels or more"):
        write_video(tmp_path / "v.mp4", [p[:1] for p in PICTURES], TIMES)
