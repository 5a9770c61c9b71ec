"""A short run of every fuzz target; `make fuzz` runs 100,000 inputs of each."""

import random

import pytest

from fuzz.mutate import KINDS, mutated
from fuzz.run import files_of, one_input, run
from fuzz.targets import TARGETS, Target
from perception_label.errors import LabelError
from perception_label.readers import FORMATS
from perception_label.readers.image_labels import FORMATS as IMAGE_FORMATS
from perception_label.readers.labels import FORMATS as LABEL_FORMATS


@pytest.mark.parametrize("name", TARGETS)
def test_broken_sources_are_read_or_refused_in_one_line(name, tmp_path):
    target = TARGETS[name]
    path = target.build(tmp_path)
    target.read(path)
    parts = files_of(path, target)
    refused = 0
    for number in range(60):
        finding, was_refused = one_input(name, target, path, parts, number)
        assert finding == "", f"input {number}"
        refused += was_refused
    assert refused > 0


def test_every_reader_has_a_target():
    names = " ".join(TARGETS)
    missing = [n for n in FORMATS if n not in names]
    missing += [n for n in IMAGE_FORMATS if f"images_{n}" not in names and n not in ALIKE]
    missing += [n for n in LABEL_FORMATS if f"labels_{n.replace('-', '_')}" not in names]
    assert missing == []


ALIKE = {"jsonl", "parquet"}  # of 2-D labels: the same reader as csv


@pytest.mark.parametrize("kind", KINDS)
def test_mutations_are_the_same_for_the_same_seed(kind):
    for data in (b"", b"1", b'{"a": [1, 2.5]}' * 9):
        twice = []
        for _ in range(2):
            out = bytearray(data)
            kind(out, random.Random(5))
            twice.append(bytes(out))
        assert twice[0] == twice[1]
    assert mutated(b"abc" * 50, random.Random(1)) != b"abc" * 50


def broken(behaviour):
    def read(path):
        if path.read_bytes() != b"whole" * 20:
            behaviour()

    def build(folder):
        path = folder / "t.bin"
        path.write_bytes(b"whole" * 20)
        return path

    return Target(build, read)


def _crash():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSEGV)


def _two_lines():
    raise LabelError("a\nb")


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [(_crash, "crash"), (lambda: 1 / 0, "ZeroDivisionError"), (_two_lines, "several lines")],
)
def test_what_must_not_happen_is_found(behaviour, told, monkeypatch):
    monkeypatch.setitem(TARGETS, "broken", broken(behaviour))
    result = run("broken", inputs=50, seconds=20)
    assert result.findings
    assert all(told in text for text in result.findings)


# Inputs that once ended the process, or asked for gigabytes.
ONCE_FOUND = [
    ("labels_parquet", 109), ("labels_parquet", 4057), ("laz", 129), ("laz", 1097), ("las", 4927),
    ("npy", 3528), ("images_cvat", 854), ("kitti_raw", 6384), ("folder_ply", 4467),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number"), ONCE_FOUND)
def test_what_was_found_once_is_refused_now(name, number):
    result = run(name, inputs=1, seconds=30, only=number)
    assert result.findings == []
    assert result.n_inputs == 1
