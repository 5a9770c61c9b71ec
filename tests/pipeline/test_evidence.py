from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

from perception_label import open_workspace
from perception_label.pipeline.evidence import LogEvidence
from towns import first


def test_evidence_that_several_ask_for_at_once_is_made_once(town, tmp_path):
    open_workspace(tmp_path, create=True).ingest(first(town, 6))
    begun, made = Barrier(3), []

    def ask(_):
        log = open_workspace(tmp_path).log()
        begun.wait()
        return LogEvidence(log, progress=lambda done, of: made.append(done))

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(ask, range(3)))
    assert sorted(made) == [1, 2, 3, 4, 5, 6]
    times = found[0].timestamps_ns
    for other in found[1:]:
        for at in range(len(times)):
            assert np.array_equal(found[0]._points[at], other._points[at])
