"""Supervisely episodes, opened by Supervisely's own library."""

import numpy as np
from checks import client


def turned(x, y, z):
    """Rx Ry Rz, as Supervisely turns its cuboids."""
    cx, cy, cz, sx, sy, sz = (f(a) for f in (np.cos, np.sin) for a in (x, y, z))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def cloud(path):
    with open(path, "rb") as file:
        data = file.read()
    body = data.index(b"DATA binary\n") + len(b"DATA binary\n")
    return np.frombuffer(data[body:], "<f4").reshape(-1, 4)[:, :3].astype(float)


@client("supervisely")
def check(checks):
    import supervisely as sly

    root = checks.folder / "supervisely"
    project = sly.PointcloudEpisodeProject(str(root), sly.OpenMode.READ)
    (data,) = project.datasets
    said = data.get_ann(project.meta)
    truth = {(r["sweep"], r["track_id"]): r for r in checks.truth["rows"]}
    names = {c.name for c in project.meta.obj_classes}
    checks.that("classes", names == {r["class_name"] for r in truth.values()}, sorted(names))
    centers, sizes, headings, counts, seen = [], [], [], [], set()
    points = {}
    items = {data.get_frame_idx(name): name for name in data.get_items_names()}
    for figure in said.figures:
        tags = {tag.name: tag.value for tag in figure.parent_object.tags}
        key = (figure.frame_index, tags["track_id"])
        seen.add(key)
        row, box = truth[key], figure.geometry
        center = np.array([box.position.x, box.position.y, box.position.z])
        size = np.array([box.dimensions.x, box.dimensions.y, box.dimensions.z])
        turn = turned(box.rotation.x, box.rotation.y, box.rotation.z)
        centers += list(center - row["lidar_center_m"])
        sizes += list(size - row["size_m"])
        headings += list(turn[:, 0] - row["lidar_heading"])
        if key[0] not in points:
            points[key[0]] = cloud(data.get_pointcloud_path(items[key[0]]))
        local = np.abs((points[key[0]] - center) @ turn)
        counts.append(int((local <= size / 2).all(axis=1).sum()) - row["n_points"])
    checks.that("every box of every track", seen == truth.keys(), len(seen))
    checks.near("centres in the LiDAR of a moving ego", centers)
    checks.near("sizes", sizes)
    checks.near("headings", headings)
    checks.near("points in each box", counts, 0)
    people = [o for o in said.objects if any(t.value == "人 3" for t in o.tags)]
    spans = {t.name: (t.value, t.frame_range) for t in people[0].tags}
    walks = spans.get("pose") == ("walking", [4, 7]) or spans.get("pose") == ("walking", (4, 7))
    checks.that("attributes, with their span", walks and spans["n_people"][0] == 2, spans)
