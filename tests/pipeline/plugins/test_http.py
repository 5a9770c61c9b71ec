import base64
import io
import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from perception_label.errors import PluginError
from perception_label.geometry.masks import encode
from perception_label.pipeline.plugins.contract import Prompts
from perception_label.pipeline.plugins.manifest import load_plugin

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


class Model(BaseHTTPRequestHandler):
    """Answers by the path it is asked at."""

    asked: ClassVar[list] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers.get("Authorization"), body))
        with suppress(BrokenPipeError, ConnectionResetError):  # the client may have gone
            getattr(self, self.path.strip("/"))(body)

    def say(self, said, code=200, headers=()):
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def segment(self, body):
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(body["image"]["png_base64"]))))
        masks = []
        for box in body["prompts"]["boxes_px"]:
            if box is None:
                masks.append(None)
                continue
            mask = np.zeros(image.shape[:2], dtype=bool)
            x0, y0, x1, y1 = map(int, box)
            mask[y0:y1, x0:x1] = True
            one = encode(mask).to_coco()[0]
            masks.append({"size": one["size"], "counts": one["counts"].decode()})
        self.say({"masks": masks, "scores": [0.5] * len(masks)})

    def detect(self, body):
        self.say({"boxes_px": [[1, 2, 11, 12]], "class_names": ["car"], "scores": [0.75]})

    def cloud(self, body):
        sent = body["points"]
        points = np.frombuffer(base64.b64decode(sent["float32_base64"]), "<f4").reshape(
            sent["shape"]
        )
        x, y, z = points[:, :3].mean(axis=0).tolist()
        self.say({"cuboids": [[x, y, z, 4, 2, 1.5, 0]], "class_names": ["car"], "scores": [0.75]})

    def broken(self, body):
        self.say({"why": "the GPU\nis on fire"}, 500)

    def moved(self, body):
        self.say({}, 302, [("Location", "/segment")])

    def large(self, body):
        self.say(b"x" * 200_000)

    def slow(self, body):
        time.sleep(1.0)
        self.say({})

    def drip(self, body):
        self.send_response(200)
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b" " * 70_000)
            self.wfile.flush()
            time.sleep(0.1)

    def text(self, body):
        self.say(b"<html>")

    def few(self, body):
        self.say({"masks": []})

    def small(self, body):
        self.say({"masks": [{"size": [2, 2], "counts": "04"}]})

    def cut(self, body):
        self.say({"masks": [{"size": [20, 30], "counts": "04"}]})

    def unknown(self, body):
        self.say({"boxes_px": [[1, 2, 11, 12]], "class_names": ["cow"], "scores": [0.75]})

    def keyless(self, body):
        self.say({"boxes": []})

    def log_message(self, *_given):
        pass


@pytest.fixture(scope="module")
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(
        target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    made.server_close()
    thread.join()


def plugin(folder, url, task="segment", more=""):
    classes = "" if task == "segment" else 'classes = ["car"]\n'
    path = folder / "model.toml"
    path.write_text(f'name = "far"\ntask = "{task}"\n{classes}[http]\nurl = "{url}"\n{more}')
    return load_plugin(path)


def ask(made):
    return made.segment(IMAGE, Prompts(np.array([[2.0, 3, 10, 12]])))


def test_a_segmenter_is_asked_and_answers(server, tmp_path):
    boxes = np.array([[2.0, 3, 10, 12], [np.nan] * 4])
    found = plugin(tmp_path, server + "/segment").segment(IMAGE, Prompts(boxes))
    assert found.masks[0].sum() == 72
    assert found.masks[0, 3:12, 2:10].all()
    assert not found.masks[1].any()
    assert found.scores.tolist() == [0.5, 0.5]
    path, token, body = Model.asked[-1]
    assert (path, token, body["version"], body["task"]) == ("/segment", None, 1, "segment")


def test_detectors_are_asked_and_answer(server, tmp_path):
    found = plugin(tmp_path, server + "/detect", "detect_2d").detect_2d(IMAGE)
    assert found.boxes_px.tolist() == [[1, 2, 11, 12]]
    points = np.array([[0, 0, 0, 1], [2, 2, 2, 1]], dtype=np.float32)
    cloud = plugin(tmp_path, server + "/cloud", "detect_3d").detect_3d(points)
    assert cloud.cuboids.center_m.tolist() == [[1, 1, 1]]


def test_a_token_comes_from_the_environment(server, tmp_path, monkeypatch):
    more = 'token_env = "TINY_TOKEN"\n'
    with pytest.raises(PluginError, match="expected a token in TINY_TOKEN"):
        plugin(tmp_path, server + "/segment", more=more)
    monkeypatch.setenv("TINY_TOKEN", "s3cret")
    ask(plugin(tmp_path, server + "/segment", more=more))
    assert Model.asked[-1][1] == "Bearer s3cret"


WRONG = {
    "broken": "got 500 .*on fire",
    "moved": "got 302",
    "large": "more than 100000 bytes",
    "text": "expected a JSON object, got b'<html>'",
    "few": "expected 1 masks, got 0",
    "small": "masks of 30 x 20 px, got 2 x 2",
    "cut": "runs >= 0 that fill 20 x 30 pixels",
}


@pytest.mark.parametrize("path", WRONG)
def test_a_bad_answer_is_told_in_one_line(server, tmp_path, path):
    made = plugin(tmp_path, f"{server}/{path}", more="most_bytes = 100000\n")
    with pytest.raises(PluginError, match=WRONG[path]) as error:
        ask(made)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", ["slow", "drip"])
def test_an_answer_has_its_time(server, tmp_path, path):
    begun = time.monotonic()
    with pytest.raises(PluginError, match=r"in 0.3 s"):
        ask(plugin(tmp_path, f"{server}/{path}", more="timeout_s = 0.3\n"))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(("path", "match"), [("unknown", "cow"), ("keyless", "KeyError")])
def test_a_detector_that_says_other_things_is_told(server, tmp_path, path, match):
    with pytest.raises(PluginError, match=match):
        plugin(tmp_path, f"{server}/{path}", "detect_2d").detect_2d(IMAGE)


def test_nobody_there_is_told(tmp_path):
    with pytest.raises(PluginError, match="expected an answer, got"):
        ask(plugin(tmp_path, "http://127.0.0.1:9/segment", more="timeout_s = 2\n"))
