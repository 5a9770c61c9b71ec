import pickle

import numpy as np
import pytest

from perception_label import open_workspace
from perception_label.errors import MissingPosesError, SettingError, WorkspaceError
from perception_label.geometry.poses import inverse
from perception_label.tables import labels_from_table
from recordings import MOUNT, recording


@pytest.fixture
def workspace(tmp_path):
    opened = open_workspace(tmp_path / "ws")
    opened.ingest(recording())
    return opened


def test_the_only_log_needs_no_id_and_two_do(workspace):
    assert workspace.logs() == ["yard"]
    assert workspace.log().id == workspace.log("yard").id == "yard"
    workspace.ingest(recording(2, log_id="field"))
    with pytest.raises(WorkspaceError, match="got 2: field, yard"):
        workspace.log()
    with pytest.raises(WorkspaceError, match="expected one of the logs field, yard, got 'barn'"):
        workspace.log("barn")


def test_a_workspace_that_is_not_there_is_made_by_ingest_alone(tmp_path):
    opened = open_workspace(tmp_path / "ws")
    assert opened.logs() == []
    with pytest.raises(WorkspaceError, match="expected a workspace"):
        opened.log()
    assert not (tmp_path / "ws").exists()
    assert open_workspace(tmp_path / "ws", create=True).logs() == []
    assert (tmp_path / "ws").exists()


def test_another_schema_version_is_refused(workspace):
    (workspace.path / "workspace.toml").write_text("schema_version = 99\n")
    with pytest.raises(WorkspaceError, match="expected schema_version 1, got 99"):
        open_workspace(workspace.path)


def test_no_boxes_yet_says_what_to_run(workspace):
    with pytest.raises(WorkspaceError, match="perception-label propose"):
        workspace.cuboids()


def test_boxes_come_back_in_each_coordinate_frame(workspace):
    log = workspace.log()
    assert log.machine("proposals") is None
    log.write_machine("proposals", log.truth_table())
    assert workspace.cuboids("yard").equals(log.truth_table())
    world = labels_from_table(workspace.cuboids()).cuboids
    for name, mount in (("ego", np.eye(4)), ("sensor", MOUNT)):
        found = labels_from_table(workspace.cuboids(log, name)).cuboids
        a_from_world = inverse(log.ego_poses.world_from_ego @ mount)
        assert np.allclose(found.packed(), world.moved(a_from_world).packed())
    with pytest.raises(SettingError, match="expected one of world, ego, sensor, got 'lidar'"):
        workspace.cuboids(coordinate_frame="lidar")


def test_solved_boxes_come_before_proposals(workspace):
    log = workspace.log()
    log.write_machine("proposals", log.truth_table())
    log.write_machine("solved", log.truth_table().slice(0, 2))
    assert workspace.cuboids().num_rows == 2


def test_boxes_of_a_log_without_poses_have_no_ego_frame(workspace):
    workspace.ingest(recording(2, ego_poses=None, log_id="lost"))
    log = workspace.log("lost")
    log.write_machine("proposals", workspace.truth("yard"))
    with pytest.raises(MissingPosesError, match="log lost"):
        workspace.cuboids("lost", "ego")


def test_tracks_are_rows(workspace):
    log = workspace.log()
    log.write_machine("proposals", log.truth_table())
    row = workspace.tracks().to_pylist()
    assert len(row) == 1
    assert (row[0]["track_id"], row[0]["class_name"], row[0]["n_boxes"]) == ("car-1", "car", 6)
    assert (row[0]["length_m"], row[0]["score"]) == (4.5, 1.0)
    assert row[0]["last_timestamp_ns"] - row[0]["first_timestamp_ns"] == 500_000_000


def test_a_machine_result_cannot_leave_its_folder(workspace):
    with pytest.raises(SettingError, match="machine result"):
        workspace.log().write_machine("../../x", workspace.truth())


def test_a_log_travels_to_another_process(workspace):
    log = pickle.loads(pickle.dumps(workspace.log()))
    assert np.array_equal(log.sweep(-1).points_m, workspace.log().sweep(5).points_m)


def test_a_sweep_that_is_not_there_is_one_clear_line(workspace):
    for i in (6, -7):
        with pytest.raises(SettingError, match=f"log yard: expected a sweep from 0 to 5, got {i}"):
            workspace.log().sweep(i)
