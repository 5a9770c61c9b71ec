"""Every format of a log without boxes, and of one whose sweeps have hardly any."""

import pytest

from labelled_logs import labelled, labels, write
from perception_label.errors import MissingExtraError
from perception_label.export import FORMATS, plan_logs


@pytest.mark.parametrize("n_boxes", [0, 2])
@pytest.mark.parametrize("format", FORMATS)
def test_few_boxes_are_written_and_counted(format, n_boxes, tmp_path):
    given = labelled(labels()[:n_boxes], points=False)
    try:
        planned = plan_logs([given], format)
    except MissingExtraError as error:
        pytest.skip(str(error))
    for one in planned:
        write(one, tmp_path)
        assert set(one.files) <= {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")}
        # Formats of images say that this log has none, and no box is lost without a word.
        assert 0 <= one.n_left_out <= n_boxes
        assert bool(one.left_out) >= bool(one.n_left_out)
