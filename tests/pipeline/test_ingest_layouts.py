"""Every source format, from its own files through ingest, doctor and propose."""

import numpy as np
import pytest

from perception_label import open_workspace
from perception_label.pipeline.doctor import examine
from perception_label.pipeline.propose import propose
from readers import layouts


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    made = layouts.drive()
    return {n: layouts.write(n, tmp_path_factory.mktemp(n), made) for n in layouts.NAMES}


def bytes_of(folder):
    return {
        p.relative_to(folder): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.suffix != ".lock"
    }


@pytest.mark.parametrize("name", layouts.NAMES)
def test_a_recording_goes_in_whole_and_the_same_way_twice(name, sources, tmp_path):
    one, two = (open_workspace(tmp_path / k) for k in "ab")
    report = one.ingest(sources[name], workers=1)
    again = two.ingest(sources[name], workers=2)
    assert report == again
    assert bytes_of(one.path) == bytes_of(two.path)
    log = one.log()
    assert report.n_sweeps == len(log.sweeps) > 1
    assert report.n_points == sum(len(s) for s in log.sweeps) > 0
    assert report.poses_from == "source"
    assert (np.diff(log.timestamps_ns) > 0).all()
    assert not one.ingest(sources[name]).is_new


@pytest.mark.parametrize("name", layouts.NAMES)
def test_what_went_in_can_be_examined_and_proposed_for(name, sources, tmp_path):
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(sources[name])
    for finding in examine(workspace.log()):
        assert finding.kind
        assert finding.suggestion
    report = propose(workspace)
    assert report.n_sweeps == len(workspace.log().sweeps)
    assert len(workspace.cuboids()) == report.n_boxes
