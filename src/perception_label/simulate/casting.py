"""Rays against the town: what each ray of a sweep meets first.

What never moves is one ray-casting scene around the ego vehicle. A mover is a small scene in
its own frame, and rays are brought into that frame at the instant each is fired: so ego vehicle
and movers move continuously within the sweep, and nothing is rebuilt from sweep to sweep.
"""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Mask
from perception_label.cloud.open3d_library import load_open3d
from perception_label.simulate.actors import Actor, Presence, thing_poses
from perception_label.simulate.ground import ground_mesh
from perception_label.simulate.plan import Plan
from perception_label.simulate.shapes.mesh import Mesh, merge

if TYPE_CHECKING:
    from perception_label.simulate.bodies import Body

_WINDOW_M = 60.0  # the static scene is renewed every so many metres
_REACH_M = 151.0  # half a window more than the sensor sees


@dataclass(frozen=True, slots=True)
class Hits:
    """What N rays met.

    Attributes
    ----------
    range_m : (N,) float32
        Distance, infinite where a ray met nothing.
    cosine : (N,) float32
        Of the angle of incidence.
    instances : (N,) int32
        Instance, 0 for what is not labelled.
    materials : (N,) uint8
        `Material`.
    is_ground : (N,) bool
        Whether it is the ground.
    """

    range_m: NDArray[np.float32]
    cosine: NDArray[np.float32]
    instances: NDArray[np.int32]
    materials: NDArray[np.uint8]
    is_ground: Mask


@dataclass(frozen=True, slots=True)
class Shape:
    """A mesh ready for rays, and what its F triangles are.

    Attributes
    ----------
    scene : RaycastingScene
        The mesh less `origin_m`.
    origin_m : (3,) float64
        Where the scene's origin lies, world frame; zero for a mover.
    materials : (F,) uint8
        `Material` of each triangle.
    owners : (F,) int32
        The thing each belongs to: 0 the ground, then parked things, movers, scenery; a mover's
        own are all 0.
    instances : (F,) int32
        The same, 0 for what is not labelled.
    n_ground : int
        The first so many triangles are ground.
    mesh : Mesh or None
        A mover's mesh, object frame.
    """

    scene: Any
    origin_m: Floats
    materials: NDArray[np.uint8]
    owners: NDArray[np.int32]
    instances: NDArray[np.int32]
    n_ground: int
    mesh: Mesh | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """The K columns that rays belong to: rays of a column follow each other.

    Attributes
    ----------
    starts : (K + 1,) int64
        First ray of each column, then the number of rays.
    origins_m : (K, 3) float64
        Where the rays of a column start, or the first of them.
    ahead : (K, 2) float64
        Unit vector of their azimuth.
    time_s : (K,) float64
        When they are fired.
    """

    starts: NDArray[np.int64]
    origins_m: Floats
    ahead: Floats
    time_s: Floats

    @classmethod
    def of(
        cls, origins_m: Floats, directions: Floats, columns: NDArray[np.int64], time_s: Floats
    ) -> "_Columns":
        n = len(columns)
        first = np.flatnonzero(np.diff(columns, prepend=-1))
        flat = directions[first, :2]
        ahead = flat / np.maximum(np.hypot(*flat.T), 1e-9)[:, None]
        return cls(np.append(first, n), origins_m[first], ahead, time_s[columns[first]])

    def rays_of(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rays of some columns, in order."""
        counts = self.starts[chosen + 1] - self.starts[chosen]
        before = np.cumsum(counts) - counts
        within = np.arange(int(counts.sum())) - np.repeat(before, counts)
        return np.asarray(np.repeat(self.starts[chosen], counts) + within)

    def column_of(self, rays: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the column of each ray."""
        return np.searchsorted(self.starts, rays, side="right") - 1


class Caster:
    """Casts rays against one plan; safe to call from several threads, small when pickled."""

    def __init__(self, plan: Plan, threads: int = 1) -> None:
        self._plan, self._threads = plan, threads
        self._lock = threading.Lock()
        self._windows: dict[int, Shape] = {}
        self._shapes: dict[tuple[Body, int], Shape] = {}
        self._poses: tuple[Floats, Floats] | None = None
        self._presence: Presence | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"plan": self._plan, "threads": self._threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["plan"], state["threads"])  # type: ignore[misc]

    def cast(
        self, origins_m: Floats, directions: Floats, columns: NDArray[np.int64], time_s: Floats
    ) -> Hits:
        """Follow N rays to what they meet first.

        Parameters
        ----------
        origins_m, directions : (N, 3) float64
            World frame; directions are unit vectors.
        columns : (N,) int64
            Row of `time_s` of each ray, rising; rays of a column share an azimuth.
        time_s : (C,) float64
            When the columns are fired, seconds from the start of the log.
        """
        middle = float(time_s[len(time_s) // 2])
        found = Hits(*_hit(self.window(middle), origins_m, directions, self._threads))
        turn = _Columns.of(origins_m, directions, columns, time_s)
        first = len(self._plan.parked) + 1
        for k in self.actors_near(middle):
            actor = self._plan.actors[k]
            rows = self._rays_near(actor, origins_m, directions, turn)
            if len(rows) == 0:
                continue
            shape = self.shape(actor.body, actor.posture(middle))
            used, index = np.unique(columns[rows], return_inverse=True)
            pose = actor.poses(self._plan.town, time_s[used])[index]
            start = np.einsum("nji,nj->ni", pose[:, :3, :3], origins_m[rows] - pose[:, :3, 3])
            ahead = np.einsum("nji,nj->ni", pose[:, :3, :3], directions[rows])
            distance, cosine, _, materials, _ = _hit(shape, start, ahead, self._threads)
            nearer = distance < found.range_m[rows]
            put = rows[nearer]
            found.range_m[put], found.cosine[put] = distance[nearer], cosine[nearer]
            found.instances[put], found.materials[put] = first + k, materials[nearer]
            found.is_ground[put] = False
        return found

    def actors_near(self, time_s: float) -> list[int]:
        """Return the movers that a ray may reach at an instant."""
        if self._presence is None:
            self._presence = Presence(self._plan.actors, self._plan.settings.duration_s)
        ego = self._plan.world_from_ego(np.array([time_s]))[0, :2, 3]
        reach = self._plan.settings.lidar.max_range_m + 15
        return self._presence.near(ego, time_s, reach)

    def _rays_near(
        self, actor: Actor, origins_m: Floats, directions: Floats, turn: "_Columns"
    ) -> NDArray[np.int64]:
        """Return the rays that pass the ball around a mover."""
        nothing = np.empty(0, dtype=np.int64)
        if len(turn.time_s) == 0:
            return nothing
        length, width, height = actor.body.size_m
        ends = np.array([turn.time_s[0], turn.time_s[-1]])
        place = actor.place(ends)[:, :2]
        here = turn.origins_m[0, :2]
        if np.hypot(*(place - here).T).min() > self._plan.settings.lidar.max_range_m + length:
            return nothing
        # Straight from the first to the last column: within a tenth of a second nobody turns far.
        share = (turn.time_s - ends[0]) / max(ends[1] - ends[0], 1e-9)
        middle = place[0] + share[:, None] * (place[1] - place[0])
        radius = 0.5 * float(np.hypot(np.hypot(length, width) + 0.4, height + 0.6)) + 0.1
        radius += 0.02 * float(np.hypot(*(place[1] - place[0])))
        to_middle = middle - turn.origins_m[:, :2]
        gap = np.maximum(np.hypot(*to_middle.T), 1e-6)
        facing = np.einsum("ki,ki->k", turn.ahead, to_middle) / gap
        # All rays of a column share an azimuth, up to the tilt of the ego vehicle.
        wide = np.arcsin(np.minimum(radius / gap, 1.0)) + 0.06
        rows = turn.rays_of(np.flatnonzero(facing > np.cos(wide)))
        if len(rows) == 0:
            return rows
        z = float(self._plan.town.height_m(place).mean()) + 0.1 + height / 2
        at = np.column_stack([middle, np.full(len(middle), z)])[turn.column_of(rows)]
        d = at - origins_m[rows]
        along = np.einsum("ni,ni->n", d, directions[rows])
        near = (np.einsum("ni,ni->n", d, d) - along**2 < radius**2) & (along > -radius)
        return np.asarray(rows[near])

    def shape(self, body: "Body", posture: int) -> Shape:
        """Return a body's shape in its own frame."""
        with self._lock:
            if (body, posture) not in self._shapes:
                for number, mesh in enumerate(body.meshes()):
                    self._shapes[body, number] = _ready(mesh, np.zeros(3))
            return self._shapes[body, posture]

    def new_shape(self, body: "Body") -> Shape:
        """Return the shape of what has one posture, in its own frame; it is not kept."""
        return _ready(body.meshes()[0], np.zeros(3))

    def window(self, time_s: float) -> Shape:
        """Return the static scene around the ego vehicle at an instant."""
        travelled = float(self._plan.ego.travelled_m(np.array([time_s]))[0])
        number = int(np.floor(travelled / _WINDOW_M))
        with self._lock:
            if number not in self._windows:
                while len(self._windows) >= 3:  # memory does not grow with the log
                    self._windows.pop(next(iter(self._windows)))
                self._windows[number] = self._build(number)
            return self._windows[number]

    def _build(self, number: int) -> Shape:
        plan = self._plan
        center = plan.ego.path.at(np.array([(number + 0.5) * _WINDOW_M]))[0, :2]
        parts = [ground_mesh(plan.town, center, _REACH_M)]
        owners = [np.zeros(len(parts[0].triangles), dtype=np.int32)]
        last = len(plan.parked) + len(plan.actors)
        for things, poses, first in (
            (plan.parked, self._thing_poses()[0], 1),
            (plan.scenery, self._thing_poses()[1], last + 1),
        ):
            reach = np.hypot(*(poses[:, :2, 3] - center).T) < _REACH_M + 10
            for k in np.flatnonzero(reach):
                mesh = things[k].body.meshes()[0].moved(poses[k])
                parts.append(mesh)
                owners.append(np.full(len(mesh.triangles), first + k, dtype=np.int32))
        origin = np.array([*center, 0.0])
        owner = np.concatenate(owners)
        return _ready(merge(parts), origin, len(owners[0]), owner, np.where(owner > last, 0, owner))

    def thing_poses(self) -> tuple[Floats, Floats]:
        """Return (P, 4, 4) world_from_object of parked things and of scenery."""
        with self._lock:
            return self._thing_poses()

    def _thing_poses(self) -> tuple[Floats, Floats]:
        if self._poses is None:
            self._poses = (
                thing_poses(self._plan.town, list(self._plan.parked)),
                thing_poses(self._plan.town, list(self._plan.scenery)),
            )
        return self._poses


def _ready(
    mesh: Mesh,
    origin_m: Floats,
    n_ground: int = 0,
    owners: NDArray[np.int32] | None = None,
    instances: NDArray[np.int32] | None = None,
) -> Shape:
    o3d = load_open3d()
    scene = o3d.t.geometry.RaycastingScene()
    # Near the window's middle float32 keeps a tenth of a millimetre, however long the drive.
    scene.add_triangles(
        o3d.core.Tensor((mesh.vertices_m - origin_m).astype(np.float32)),
        o3d.core.Tensor(mesh.triangles.astype(np.uint32)),
    )
    if owners is None or instances is None:
        none = np.zeros(len(mesh.triangles), dtype=np.int32)
        shape = Shape(scene, origin_m, mesh.materials, none, none, n_ground, mesh)
    else:
        shape = Shape(scene, origin_m, mesh.materials, owners, instances, n_ground)
    # The first cast builds the tree, which must not happen in two threads at once.
    _hit(shape, np.zeros((1, 3)), np.array([[0, 0, 1.0]]), 0)
    return shape


def _hit(
    shape: Shape, origins_m: Floats, directions: Floats, threads: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8], Mask]:
    """Return range, cosine, instance, material, is ground of what N rays meet in one shape."""
    o3d = load_open3d()
    rays = np.empty((len(origins_m), 6), dtype=np.float32)
    rays[:, :3] = origins_m - shape.origin_m
    rays[:, 3:] = directions
    result = shape.scene.cast_rays(o3d.core.Tensor(rays), nthreads=threads)
    distance = result["t_hit"].numpy().copy()
    triangle = result["primitive_ids"].numpy().astype(np.int64)
    normal = result["primitive_normals"].numpy()
    missed = ~np.isfinite(distance)
    triangle[missed] = 0
    cosine = np.abs(np.einsum("ni,ni->n", normal, rays[:, 3:]))
    cosine[missed] = 0
    ground = (triangle < shape.n_ground) & ~missed
    instances = np.where(missed, 0, shape.instances[triangle]).astype(np.int32)
    return distance, cosine, instances, shape.materials[triangle], ground
