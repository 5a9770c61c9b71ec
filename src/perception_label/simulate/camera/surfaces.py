"""What camera rays meet at one instant: whose surface, where on it, and where that place goes."""

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Mask, Pose
from perception_label.cloud.open3d_library import load_open3d
from perception_label.simulate.casting import Caster, Shape
from perception_label.simulate.plan import Plan

if TYPE_CHECKING:
    from perception_label.simulate.bodies import Body

Singles = NDArray[np.float32]

SKY = -1  # the owner of what met nothing
_MARGIN_M = 0.2  # mirrors and handlebars stick out of the size
_RUN = 32  # rays that share a cone
_MOST_SHAPES = 200  # of parked things, kept for the next image


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What N rays met first.

    Attributes
    ----------
    distance_m : (N,) float32
        Along the ray, infinite for the sky.
    owners : (N,) int32
        `SKY`, 0 for the ground, then parked things and movers (these are the instances), then
        scenery.
    triangles : (N,) int64
        Of the owner's shape.
    corners : (N, 2) float32
        Barycentric coordinates of the triangle's second and third corner.
    normals : (N, 3) float32
        World frame, towards the viewer; zero for the sky.
    materials : (N,) uint8
        `Material`; of no meaning for the sky.
    """

    distance_m: Singles
    owners: NDArray[np.int32]
    triangles: NDArray[np.int64]
    corners: Singles
    normals: Singles
    materials: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Solid:
    """One labelled body at an instant.

    Attributes
    ----------
    instance : int
        Which.
    body : Body
        What it is.
    posture : int
        Which mesh of the body shows.
    pose : (4, 4) float64
        world_from_object.
    shape : Shape
        In its own frame.
    """

    instance: int
    body: "Body"
    posture: int
    pose: Pose
    shape: Shape

    @property
    def middle_m(self) -> Floats:
        """The middle of its box, world frame, (3,)."""
        out: Floats = self.pose[:3, 3] + self.pose[:3, 2] * self.body.size_m[2] / 2
        return out

    @property
    def radius_m(self) -> float:
        """Of a ball around its middle that holds all of it."""
        length, width, height = self.body.size_m
        return 0.5 * float(np.linalg.norm([length, width + 2 * _MARGIN_M, height])) + _MARGIN_M


class Bundle:
    """N rays (N, 3) that start at one place, unit vectors of the world frame.

    Neighbours in the list should be neighbours in the image: runs of them are told apart from
    a body by one cone each.
    """

    def __init__(self, origin_m: Floats, rays: Singles) -> None:
        self.origin_m, self.rays = origin_m, np.ascontiguousarray(rays, dtype=np.float32)
        n = len(rays)
        self._starts = np.arange(0, n, _RUN)
        if n == 0:
            return
        axes = np.add.reduceat(self.rays, self._starts, axis=0)
        axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-6)
        each = np.repeat(axes, np.diff(self._starts, append=n), axis=0)
        inner = np.minimum.reduceat(np.einsum("ni,ni->n", each, self.rays), self._starts)
        self._axes, self._half_rad = axes, np.arccos(np.clip(inner, -1, 1)) + 1e-3
        middle = axes.mean(axis=0)
        self._middle = middle / max(float(np.linalg.norm(middle)), 1e-6)
        aside = np.arccos(np.clip(axes @ self._middle, -1, 1))
        self._whole_rad = float((aside + self._half_rad).max())

    def placed(self, pose: Pose) -> "Bundle":
        """Return the bundle, given in a sensor's frame, where and as a pose (4, 4) has it."""
        turn = pose[:3, :3].T.astype(np.float32)
        out = copy(self)
        out.origin_m, out.rays = pose[:3, 3], self.rays @ turn
        if len(self):
            out._axes, out._middle = self._axes @ turn, self._middle @ turn
        return out

    def __len__(self) -> int:
        return len(self.rays)

    def may_meet(self, middles_m: Floats, radii_m: Floats) -> NDArray[np.int64]:
        """Return which of K balls any ray may pass: middles (K, 3) and radii (K,)."""
        if len(self) == 0 or len(radii_m) == 0:
            return np.empty(0, dtype=np.int64)
        to_middle = middles_m - self.origin_m
        gap = np.maximum(np.linalg.norm(to_middle, axis=1), 1e-6)
        half = np.arcsin(np.minimum(radii_m / gap, 1))
        aside = np.arccos(np.clip(to_middle @ self._middle / gap, -1, 1))
        return np.flatnonzero((aside < self._whole_rad + half) | (gap <= radii_m))

    def towards(self, middle_m: Floats, radius_m: float) -> NDArray[np.int64]:
        """Return which rays pass a ball, in order."""
        to_middle = middle_m - self.origin_m
        gap = float(np.linalg.norm(to_middle))
        if gap <= radius_m or len(self) == 0:
            return np.arange(len(self))
        ahead = (to_middle / gap).astype(np.float32)
        half = float(np.arcsin(radius_m / gap))
        # Angles between run and ball, by cosines: no run is as wide as a quarter turn.
        limit = np.cos(np.minimum(self._half_rad + np.float32(half + 1e-3), np.float32(np.pi)))
        runs = np.flatnonzero(self._axes @ ahead > limit)
        rows = (self._starts[runs, None] + np.arange(_RUN)).ravel()
        if len(runs) and rows[-1] >= len(self):
            rows = rows[rows < len(self)]
        return np.asarray(rows[self.rays[rows] @ ahead > np.float32(np.cos(half) - 1e-6)])


class Stage:
    """The town for cameras: every owner's place, and the shapes, shared with the LiDAR."""

    def __init__(self, plan: Plan, caster: Caster, threads: int = 1) -> None:
        self.plan, self.caster, self.threads = plan, caster, threads
        parked, scenery = caster.thing_poses()
        movers = np.broadcast_to(np.eye(4), (len(plan.actors), 4, 4))
        ground = np.eye(4)[None]
        # Row = owner; movers' rows are filled in for each instant.
        self.poses: Floats = np.concatenate([ground, parked, movers, scenery])
        self.n_instances = len(parked) + len(movers)
        self._shapes: dict[int, Shape] = {}

    def parked(self, instance: int) -> Solid:
        """Return a parked thing as a body of its own."""
        body = self.plan.parked[instance - 1].body
        if instance not in self._shapes:
            if len(self._shapes) >= _MOST_SHAPES:  # memory does not grow with the log
                self._shapes.pop(next(iter(self._shapes)), None)
            self._shapes[instance] = self.caster.new_shape(body)
        return Solid(instance, body, 0, self.poses[instance], self._shapes[instance])

    def mover(self, instance: int, time_s: float) -> Solid:
        """Return a mover at an instant."""
        actor = self.plan.actors[instance - len(self.plan.parked) - 1]
        posture = actor.posture(time_s)
        pose = actor.poses(self.plan.town, np.array([time_s]))[0]
        return Solid(instance, actor.body, posture, pose, self.caster.shape(actor.body, posture))


class Instant:
    """The town at one instant, ready for rays that all start at one place."""

    def __init__(self, stage: Stage, time_s: float) -> None:
        self.stage, self.time_s = stage, time_s
        first = len(stage.plan.parked) + 1
        self._window = stage.caster.window(time_s)
        self.movers = {
            first + k: stage.mover(first + k, time_s) for k in stage.caster.actors_near(time_s)
        }
        self.poses = stage.poses.copy()
        for instance, solid in self.movers.items():
            self.poses[instance] = solid.pose
        self._solids = list(self.movers.values())
        self._middles_m = np.array([s.middle_m for s in self._solids]).reshape(-1, 3)
        self._radii_m = np.array([s.radius_m for s in self._solids])
        # Single precision is enough for what is near the window's origin.
        self._turns = self.poses[:, :3, :3].astype(np.float32)
        self._starts_m = (self.poses[:, :3, 3] - self._window.origin_m).astype(np.float32)

    def solid(self, instance: int) -> Solid:
        """Return an instance as it is now."""
        if instance in self.movers:
            return self.movers[instance]
        if instance <= len(self.stage.plan.parked):
            return self.stage.parked(instance)
        return self.stage.mover(instance, self.time_s)

    def meet(self, bundle: Bundle) -> Surfaces:
        """Follow N rays to what they meet first."""
        out = _cast(self._window, bundle.origin_m, bundle.rays, self.stage.threads)
        for k in bundle.may_meet(self._middles_m, self._radii_m):
            solid = self._solids[k]
            rows = bundle.towards(self._middles_m[k], self._radii_m[k])
            if len(rows) == 0:
                continue
            found = self._on(solid, bundle, rows)
            nearer = found.distance_m < out.distance_m[rows]
            put = rows[nearer]
            out.distance_m[put] = found.distance_m[nearer]
            out.triangles[put], out.corners[put] = found.triangles[nearer], found.corners[nearer]
            out.materials[put], out.normals[put] = found.materials[nearer], found.normals[nearer]
            out.owners[put] = solid.instance
        return out

    def alone(self, instance: int, bundle: Bundle) -> Mask:
        """Tell which of N rays would meet an instance if nothing else were there, (N,)."""
        solid = self.solid(instance)
        out = np.zeros(len(bundle), dtype=bool)
        rows = bundle.towards(solid.middle_m, solid.radius_m)
        if len(rows):
            turn = solid.pose[:3, :3]
            start = ((bundle.origin_m - solid.pose[:3, 3]) @ turn).astype(np.float32)
            ahead = bundle.rays[rows] @ turn.astype(np.float32)
            out[rows] = _is_blocked(solid.shape.scene, start, ahead, self.stage.threads)
        return out

    @property
    def origin_m(self) -> Floats:
        """A place of the world near all that can be seen, (3,)."""
        return self._window.origin_m

    def in_shadow(
        self, bundle: Bundle, rows: NDArray[np.int64], points_m: Singles, towards_sun: Floats
    ) -> Mask:
        """Tell from which places something keeps the sun, (K,).

        `points_m` (K, 3), world frame less `origin_m`, lie along the rays `rows` (K,), rising.
        """
        sun = towards_sun.astype(np.float32)
        out = _is_blocked(self._window.scene, points_m, sun, self.stage.threads)
        place = np.full(len(bundle), -1, dtype=np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        # Shadows fall on ground and walls no farther than the ground's slant takes them.
        height = np.array([solid.body.size_m[2] for solid in self._solids])
        reach = self._radii_m + height / towards_sun[2]
        for k in bundle.may_meet(self._middles_m, reach):
            solid = self._solids[k]
            near = place[bundle.towards(self._middles_m[k], reach[k])]
            near = near[near >= 0]
            to_middle = (solid.middle_m - self.origin_m).astype(np.float32) - points_m[near]
            along = to_middle @ sun
            aside = np.einsum("ni,ni->n", to_middle, to_middle) - along * along
            near = near[(aside < solid.radius_m**2) & (along > -solid.radius_m) & ~out[near]]
            if len(near) == 0:
                continue
            turn = solid.pose[:3, :3].astype(np.float32)
            start = (solid.pose[:3, 3] - self.origin_m).astype(np.float32)
            local = (points_m[near] - start) @ turn
            out[near] = _is_blocked(solid.shape.scene, local, sun @ turn, self.stage.threads)
        return out

    def local(
        self, owners: NDArray[np.int32], points_m: Singles, normals: Singles
    ) -> tuple[Singles, Singles]:
        """Return points and directions, (N, 3) each, in their owners' frames.

        `points_m` are of the world less `origin_m`, `owners` 0 or more; the ground's own frame
        is the world.
        """
        at, facing = points_m + self.origin_m.astype(np.float32), normals.copy()
        rows = np.flatnonzero(owners > 0)
        owner = owners[rows]
        turn = self._turns[owner]
        offset = points_m[rows] - self._starts_m[owner]
        at[rows] = np.einsum("nji,nj->ni", turn, offset)
        facing[rows] = np.einsum("nji,nj->ni", turn, normals[rows])
        return at, facing

    def carried(self, surfaces: Surfaces, points_m: Floats, later: "Instant") -> Floats:
        """Return where places (N, 3) of the world, on surfaces, are at another instant.

        A place is carried with its owner; on a walker, whose limbs move, with its triangle.
        """
        out = points_m.copy()
        for instance, solid in self.movers.items():
            rows = np.flatnonzero(surfaces.owners == instance)
            if len(rows) == 0:
                continue
            then = later.solid(instance)
            local = (points_m[rows] - solid.pose[:3, 3]) @ solid.pose[:3, :3]
            mesh = then.shape.mesh
            if then.posture != solid.posture and mesh is not None:
                corner = mesh.vertices_m[mesh.triangles[surfaces.triangles[rows]]]
                b, c = surfaces.corners[rows].astype(np.float64).T
                weights = np.column_stack([1 - b - c, b, c])
                local = np.einsum("nk,nki->ni", weights, corner)
            out[rows] = local @ then.pose[:3, :3].T + then.pose[:3, 3]
        return out

    def _on(self, solid: Solid, bundle: Bundle, rows: NDArray[np.int64]) -> Surfaces:
        turn = solid.pose[:3, :3]
        start = (bundle.origin_m - solid.pose[:3, 3]) @ turn
        rays = bundle.rays[rows] @ turn.astype(np.float32)
        found = _cast(solid.shape, start, rays, self.stage.threads)
        found.normals[:] = found.normals @ turn.T.astype(np.float32)
        return found


def _cast(shape: Shape, origin_m: Floats, rays: Singles, threads: int) -> Surfaces:
    o3d = load_open3d()
    packed = np.empty((len(rays), 6), dtype=np.float32)
    packed[:, :3] = origin_m - shape.origin_m
    packed[:, 3:] = rays
    result = shape.scene.cast_rays(o3d.core.Tensor(packed), nthreads=threads)
    distance = result["t_hit"].numpy()
    missed = ~np.isfinite(distance)
    triangle = result["primitive_ids"].numpy().astype(np.int64)
    triangle[missed] = 0
    owner = shape.owners[triangle]
    owner[missed] = SKY
    normal = result["primitive_normals"].numpy()
    away = np.einsum("ni,ni->n", normal, rays) > 0
    normal = np.where(away[:, None], -normal, normal)
    normal[missed] = 0
    return Surfaces(
        distance,
        owner,
        triangle,
        result["primitive_uvs"].numpy(),
        normal,
        shape.materials[triangle],
    )


def _is_blocked(scene: Any, points_m: Singles, ahead: Singles, threads: int) -> Mask:
    """Tell which rays meet something; one start or one direction may stand for all."""
    o3d = load_open3d()
    packed = np.empty((max(points_m.size, ahead.size) // 3, 6), dtype=np.float32)
    packed[:, :3] = points_m
    packed[:, 3:] = ahead
    return np.asarray(scene.test_occlusions(o3d.core.Tensor(packed), nthreads=threads).numpy())
