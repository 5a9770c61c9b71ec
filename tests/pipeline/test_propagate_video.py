import json

import numpy as np
import pytest
from PIL import Image

import image_label_sets as sets
from perception_label.cli import main
from perception_label.errors import SettingError, SourceError
from perception_label.pipeline.image_keyframes import chosen_keys, labels_for
from perception_label.pipeline.propagate_video import propagate_video
from perception_label.readers.image_labels import read_image_labels
from perception_label.video.images import open_images

KEYS = "image,track_id,class_name,x0,y0,x1,y1\n{}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 12 images whose content moves to the right by a pixel an image."""
    place = tmp_path_factory.mktemp("clip")
    images = sets.images()
    for k in range(len(images)):
        Image.fromarray(images.image(k)).save(place / f"{k:04d}.png")
    return place


def keys(tmp_path, rows="0,a,car,10,10,30,30\n6,a,car,16,10,36,30\n", name="keys.csv"):
    path = tmp_path / name
    path.write_text(KEYS.format(rows))
    return path


def test_labels_on_every_image_between_keyframes(folder, tmp_path):
    out = tmp_path / "out.csv"
    report = propagate_video(folder, keys(tmp_path), out)
    labels = read_image_labels(out).labels
    assert report.n_images == 12
    assert report.n_keyframes == 2
    assert report.n_labels == len(labels)
    assert set(range(7)) <= set(labels.images.tolist())
    by_image = {int(i): b for i, b in zip(labels.images, labels.boxes_px, strict=True)}
    for k in range(7):
        assert np.abs(by_image[k] - [10 + k, 10, 30 + k, 30]).max() < 1
    assert by_image[0].tolist() == [10, 10, 30, 30]
    keyed = labels.images[labels.is_key]
    assert sorted(keyed.tolist()) == [0, 6]
    assert set(labels.sources[~labels.is_key]) == {"video"}
    assert set(labels.sources[labels.is_key]) == {"human"}


def test_the_command_prints_its_keys_and_draws(folder, tmp_path, capsys):
    out, sheet, film = tmp_path / "o.json", tmp_path / "s.png", tmp_path / "f.mp4"
    for picture in (sheet, film):
        said = [
            "video",
            "propagate",
            str(folder),
            "--boxes",
            str(keys(tmp_path)),
            "--out",
            str(out),
        ]
        assert main([*said, "--picture", str(picture), "--json"]) == 0
        printed, err = capsys.readouterr()
        assert err == ""
        result = json.loads(printed)
        assert result["n_images"] == 12
        assert result["images_per_s"] > 0
        assert result["files"] == [str(out), str(picture)]
    assert len(open_images(film)) == 12
    with Image.open(sheet) as drawn:
        # Keyframes are drawn: colour where the images have none.
        assert np.ptp(np.asarray(drawn).astype(int), axis=2).max() > 50
    assert (
        main(["video", "propagate", str(folder), "--boxes", str(keys(tmp_path)), "--out", str(out)])
        == 0
    )
    assert "from 2 keyframes" in capsys.readouterr().out


def test_every_keeps_some_keyframes_and_judges_by_the_rest(folder, tmp_path):
    rows = "".join(f"{k},a,car,{10 + k},10,{30 + k},30\n" for k in range(7))
    report = propagate_video(folder, keys(tmp_path, rows), tmp_path / "o.csv", every=6)
    assert report.n_keyframes == 2
    assert report.held_out["n"] == 5
    assert report.held_out["mean_iou"] > 0.9
    assert report.held_out["n_missing"] == 0


def test_a_track_on_none_of_the_chosen_images_keeps_its_middle_label(folder, tmp_path):
    path = keys(tmp_path, "1,a,car,10,10,30,30\n2,a,car,10,10,30,30\n3,a,car,10,10,30,30\n")
    labels = labels_for(path, open_images(folder))
    assert labels.images[chosen_keys(labels, 5)].tolist() == [2]


def test_only_the_images_asked_for(folder, tmp_path):
    report = propagate_video(folder, keys(tmp_path), tmp_path / "o.csv", span=(2, 4))
    assert report.n_images == 3
    assert set(read_image_labels(tmp_path / "o.csv").labels.images.tolist()) <= {2, 3, 4}
    with pytest.raises(SettingError, match=r"a span within 0 … 11"):
        propagate_video(folder, keys(tmp_path), tmp_path / "o.csv", span=(2, 12))


def test_an_object_that_is_gone_has_no_labels_until_it_is_back(folder, tmp_path):
    path = tmp_path / "k.csv"
    path.write_text(
        "image,track_id,x0,y0,x1,y1,visible\n0,a,10,10,30,30,1\n3,a,13,10,33,30,0\n6,a,16,10,36,30,1\n"
    )
    propagate_video(folder, path, tmp_path / "o.csv")
    images = read_image_labels(tmp_path / "o.csv").labels.images.tolist()
    assert {0, 1, 2, 6} <= set(images)
    assert not {3, 4, 5} & set(images)


WRONG = {
    "99,a,car,1,1,5,5\n": "expected image numbers from 0 to 11",
    "0,a,car,100,1,150,5\n": "expected a label on the image of 64 x 48 px",
    "0,a,car,5,1,5,5\n": "expected a box with x0 < x1",
    "0,a,car,1,1,5,5\n0,a,car,1,1,5,5\n": "expected one box of track a in image 0",
    "0,a,car,1,1,5,5\n1,a,bus,1,1,5,5\n": "expected one class of track a",
    "": "at least one label",
}


@pytest.mark.parametrize("rows", WRONG)
def test_labels_of_another_video_are_refused_and_nothing_is_written(folder, tmp_path, rows, capsys):
    out = tmp_path / "o.csv"
    said = [
        "video",
        "propagate",
        str(folder),
        "--boxes",
        str(keys(tmp_path, rows)),
        "--out",
        str(out),
    ]
    assert main(said) == 1
    err = capsys.readouterr().err
    assert WRONG[rows] in err
    assert err.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == {"keys.csv"}


def test_times_must_be_those_of_images(folder, tmp_path):
    path = tmp_path / "k.csv"
    text = "timestamp_ns,track_id,x0,y0,x1,y1\n{},a,1,1,9,9\n"
    path.write_text(text.format(200_400_000))
    assert labels_for(path, open_images(folder)).images.tolist() == [2]
    path.write_text(text.format(233_000_000))
    with pytest.raises(SourceError, match="nearest image being at 200000000"):
        labels_for(path, open_images(folder))
    path.write_text("image,timestamp_ns,track_id,x0,y0,x1,y1\n3,200000000,a,1,1,9,9\n")
    with pytest.raises(SourceError, match=r"expected image 3 .* at 300000000 ns, got 200000000"):
        labels_for(path, open_images(folder))


def test_a_file_that_names_another_size_or_length_is_refused(folder, tmp_path):
    path = tmp_path / "k.xml"
    text = (
        "<annotations><meta><task><size>{}</size></task><original_size><width>{}</width>"
        '<height>48</height></original_size></meta><track id="0" label="car"><box frame="0" '
        'xtl="1" ytl="2" xbr="3" ybr="4"/></track></annotations>'
    )
    path.write_text(text.format(12, 65))
    with pytest.raises(SourceError, match="of 64 x 48 px, got some for 65 x 48"):
        labels_for(path, open_images(folder))
    path.write_text(text.format(13, 64))
    with pytest.raises(SourceError, match="of 12 images, got some for 13"):
        labels_for(path, open_images(folder))


def test_coco_without_numbers_goes_by_file_names_and_never_by_guess(folder, tmp_path):
    path = tmp_path / "k.json"

    def write(names):
        images = [{"id": 10 - k, "file_name": name} for k, name in enumerate(names)]
        one = {"id": 1, "image_id": 10, "category_id": 1, "track_id": 1, "bbox": [1, 1, 5, 5]}
        path.write_text(json.dumps({"images": images, "categories": [], "annotations": [one]}))

    write(["0005.png", "0001.png"])
    assert labels_for(path, open_images(folder)).images.tolist() == [5]
    write(["0055.png"])
    with pytest.raises(SourceError, match=r"images that are in .*'0055.png'"):
        labels_for(path, open_images(folder))
    write(["000005.jpg", "000001.jpg"])
    with pytest.raises(SourceError, match="of 12 images, got some for 2 told by order alone"):
        labels_for(path, sets.images())


def test_a_source_is_not_written_over(folder, tmp_path):
    path = keys(tmp_path)
    with pytest.raises(SettingError, match="a file of its own"):
        propagate_video(folder, path, path)
    with pytest.raises(SettingError, match="another file than --out"):
        propagate_video(folder, path, tmp_path / "o.mp4", format="csv", picture=tmp_path / "o.mp4")
    with pytest.raises(SettingError, match="a picture's suffix"):
        propagate_video(folder, path, tmp_path / "o.csv", picture=tmp_path / "o.gif")
    with pytest.raises(SettingError, match="expected a format of csv"):
        propagate_video(folder, path, tmp_path / "o.doc")
