"""MCAP, read by the format's own library with Foxglove's messages, chunks' sums checked."""

import numpy as np
from checks import client


def matrix(at, turn):
    x, y, z, w = turn.x, turn.y, turn.z, turn.w
    out = np.eye(4)
    out[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    out[:3, 3] = at.x, at.y, at.z
    return out


@client("mcap")
def check(checks):
    from mcap.reader import make_reader
    from mcap_protobuf.decoder import DecoderFactory

    edges, scenes, clouds, topics = {}, {}, {}, set()
    with (checks.folder / "mcap/hill-1.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
        for _, channel, message, said in reader.iter_decoded_messages():
            topics.add(channel.topic)
            if channel.topic == "/tf":
                edge = (said.parent_frame_id, said.child_frame_id)
                moved = matrix(said.translation, said.rotation)
                edges.setdefault(edge, {})[message.log_time] = moved
            elif channel.topic == "/labels":
                scenes[message.log_time] = said
            elif channel.topic == "/top":
                clouds[message.log_time] = said
    (mount,) = edges["ego", "top"].values()
    centers, headings, sizes, counts = [], [], [], []
    for sweep, at in enumerate(checks.truth["timestamps_ns"]):
        ego_from_world = np.linalg.inv(edges["world", "ego"][at])
        cloud = clouds[at]
        raw = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_stride)
        points = np.ascontiguousarray(raw[:, :12]).view("<f4").astype(float)
        world = points @ mount[:3, :3].T + mount[:3, 3]
        world = np.linalg.inv(ego_from_world) @ np.vstack([world.T, np.ones(len(world))])
        for entity in scenes[at].entities:
            row = checks.rows(sweep)[entity.id]
            (cube,) = entity.cubes
            box = matrix(cube.pose.position, cube.pose.orientation)
            in_ego = ego_from_world @ box
            centers += list(in_ego[:3, 3] - row["ego_center_m"])
            headings += list(in_ego[:3, 0] - row["ego_heading"])
            size = np.array([cube.size.x, cube.size.y, cube.size.z])
            sizes += list(size - row["size_m"])
            local = np.abs((np.linalg.inv(box) @ world)[:3]).T
            counts.append(int((local <= size / 2).all(axis=1).sum()) - row["n_points"])
    checks.near("centres in a moving ego, by its own transforms", centers)
    checks.near("headings in a moving ego", headings)
    checks.near("sizes", sizes)
    checks.near("points in each box", counts, 0)
    wanted = {"/labels", "/tf", "/top", "/camera/front", "/camera/front/calibration"}
    checks.that("topics", wanted <= topics, sorted(topics))
