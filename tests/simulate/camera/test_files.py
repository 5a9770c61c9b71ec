import numpy as np
import pytest
from PIL import Image

from perception_label.errors import SettingError
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.workspace import open_workspace
from perception_label.readers import open_log
from perception_label.simulate.camera import SimulatedCamera
from perception_label.simulate.camera.files import write_images
from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import CameraSettings, LidarSettings, SceneSettings
from perception_label.simulate.write import write_log
from perception_label.video.images import ImageSource, open_images

TINY = CameraSettings(width_px=64, height_px=40, focal_px=48.0, rate_hz=5, offset_s=0.12)


@pytest.fixture(scope="module")
def tiny(plan, recording):
    return SimulatedCamera(plan, TINY, caster=recording.source.caster)


@pytest.fixture(scope="module", params=["jpg", "mp4"])
def with_images(request, tmp_path_factory):
    settings = SceneSettings(
        seed=3,
        duration_s=0.4,
        vehicles=3,
        pedestrians=2,
        lidar=LidarSettings(n_beams=32, azimuth_step_rad=0.02),
        cameras=(TINY,),
    )
    told = []
    made = simulate_log(
        settings,
        count_points=False,
        images_folder=tmp_path_factory.mktemp("images"),
        images_kind=request.param,
        on_image=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]
    return made


def test_png_files_hold_the_exact_pixels_under_their_times(tiny, tmp_path):
    images = write_images(tiny, tmp_path / "front", kind="png")
    assert images.timestamps_ns.tolist() == tiny.timestamps_ns.tolist()
    assert [p.stem for p in images.paths] == [str(t) for t in tiny.timestamps_ns]
    assert np.array_equal(np.asarray(Image.open(images.paths[3])), tiny.image(3))


def test_a_video_holds_the_images_at_their_times(tiny, tmp_path):
    images = write_images(tiny, tmp_path / "front", kind="mp4")
    assert set(images.paths) == {tmp_path / "front.mp4"}
    video = open_images(tmp_path / "front.mp4")
    assert len(video) == len(tiny)
    since = tiny.timestamps_ns - tiny.timestamps_ns[0]
    assert np.abs(video.timestamps_ns - video.timestamps_ns[0] - since).max() < 20_000
    assert np.abs(video.image(4).astype(int) - tiny.image(4)).mean() < 8


def test_a_camera_is_a_source_of_images_like_any_other(tiny):
    assert isinstance(tiny, ImageSource)
    assert open_images(tiny) is tiny
    assert tiny.image(1, scale=0.5).shape == (20, 32, 3)
    greys = list(tiny.greys(3, 1, -1))
    assert np.array_equal(greys[0], tiny.grey(3))
    assert np.array_equal(greys[1], tiny.grey(2))
    assert [p.mean() for p in tiny.pictures()] == [tiny.image(i).mean() for i in range(len(tiny))]


def test_another_kind_of_file_is_refused(tiny, tmp_path):
    with pytest.raises(SettingError, match="kind: expected one of jpg, png, mp4, got 'bmp'"):
        write_images(tiny, tmp_path, kind="bmp")


def test_a_log_with_images_is_ingested_and_its_images_open(with_images, tmp_path):
    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(with_images)
    log = workspace.log()
    (camera,) = with_images.source.cameras()
    assert log.cameras["front"].width_px == 64
    assert np.allclose(log.cameras["front"].ego_from_camera, camera.calibration.ego_from_camera)
    images = open_camera(log, "front")
    assert images.timestamps_ns.tolist() == camera.timestamps_ns.tolist()
    assert np.abs(images.image(1).astype(int) - camera.image(1)).mean() < 9


def test_a_written_log_is_read_back_with_its_cameras(with_images, tmp_path):
    back = open_log(write_log(with_images, tmp_path / "log"))
    mine, theirs = with_images.cameras["front"], back.cameras["front"]
    assert theirs.intrinsics == mine.intrinsics
    assert theirs.distortion == mine.distortion
    assert np.array_equal(theirs.ego_from_camera, mine.ego_from_camera)
    times = with_images.images["front"].timestamps_ns
    assert back.images["front"].timestamps_ns.tolist() == times.tolist()
    assert not back.warnings


def test_without_a_folder_a_log_has_calibration_and_no_images(plan):
    settings = SceneSettings(seed=3, duration_s=0.2, vehicles=1, cameras=(TINY,))
    made = simulate_log(settings, count_points=False)
    assert list(made.cameras) == ["front"]
    assert not made.images
