"""The exact boxes of a plan."""

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.labels import Labels
from perception_label.simulate.actors import Presence, centers, thing_poses
from perception_label.simulate.plan import Plan


class Truth:
    """Answers where every labelled instance of a plan is; instance k + 1 is row k here."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        bodies = plan.bodies
        self._names = np.array(plan.names(), dtype=str)
        self._classes = np.array([body.class_name for body in bodies], dtype=str)
        self._size = np.array([body.size_m for body in bodies]).reshape(-1, 3)
        fixed = thing_poses(plan.town, list(plan.parked))
        heights = self._size[: len(plan.parked), 2]
        self._fixed_m = fixed[:, :3, 3] + fixed[:, :3, 2] * (heights / 2)[:, None]
        self._fixed_yaw = np.array([thing.yaw_rad for thing in plan.parked])
        self._presence = Presence(plan.actors, plan.settings.duration_s)

    def boxes(self, i: int) -> tuple[Cuboids, Ints]:
        """Return the boxes near the ego vehicle in sweep i, world frame, and their rows."""
        plan, time = self._plan, float(self._plan.sweep_times_s()[i])
        when = np.array([time])
        ego = plan.world_from_ego(when)[0, :2, 3]
        reach = plan.settings.label_radius_m
        rows = list(range(len(plan.parked)))
        at: list[Floats] = [self._fixed_m]
        yaw: list[Floats] = [self._fixed_yaw]
        for k in self._presence.near(ego, time, reach):
            actor = plan.actors[k]
            at.append(centers(actor.poses(plan.town, when), actor.body.size_m[2]))
            yaw.append(actor.place(when)[:, 2])
            rows.append(len(plan.parked) + k)
        center, index = np.concatenate(at), np.array(rows, dtype=np.int64)
        near = np.hypot(*(center[:, :2] - ego).T) < reach
        heading = wrap(np.concatenate(yaw))
        return Cuboids(center[near], self._size[index[near]], heading[near]), index[near]

    def labels(self, counted: list[tuple[Ints, Ints]] | None) -> Labels:
        """Return all boxes as labels.

        Parameters
        ----------
        counted : list of S pairs, or None
            Per sweep the points in each of its boxes, and the points that each of all instances
            owns; instances without a point in the log get no box. None: nobody counted.
        """
        seen = np.ones(len(self._size), dtype=bool)
        if counted is not None:
            seen = np.sum([owned for _, owned in counted], axis=0) > 0
        times, rows, boxes, points = [], [], [], []
        for i, timestamp in enumerate(self._plan.timestamps_ns()):
            cuboids, index = self.boxes(i)
            keep = seen[index]
            times.append(np.full(int(keep.sum()), timestamp))
            rows.append(index[keep])
            boxes.append(cuboids[keep].packed())
            points.append((np.full(len(index), -1) if counted is None else counted[i][0])[keep])
        row = np.concatenate(rows)
        return Labels.from_columns(
            np.concatenate(times),
            self._names[row],
            self._classes[row],
            Cuboids.unpack(np.concatenate(boxes)),
            n_points=np.concatenate(points),
        )
