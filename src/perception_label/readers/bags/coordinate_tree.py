"""The tree of coordinate frames that a bag's transforms tell, over time."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from perception_label.arrays import Floats, Ints, Pose
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse
from perception_label.readers.bags.decode import Step

STILL_M = 1e-6  # a transform told again with less change than this is one that stays


@dataclass(frozen=True, slots=True)
class Edge:
    """How a coordinate frame lies in its parent: one pose that stays, or a path."""

    parent: str
    path: EgoPoses
    told_ns: Ints  # every instant at which it was told

    @property
    def is_still(self) -> bool:
        """Whether it stays where it is."""
        return len(self.path) == 1

    def at(self, times_ns: Ints) -> Floats:
        """Return parent_from_child at each time; beyond its ends, that of the end."""
        if self.is_still:
            return np.repeat(self.path.world_from_ego, len(times_ns), axis=0)
        return interpolate_poses(self.path, times_ns, outside="hold")


@dataclass(frozen=True, slots=True)
class Tree:
    """Each coordinate frame's edge to its parent."""

    edges: dict[str, Edge] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Return every coordinate frame there is."""
        return set(self.edges) | {edge.parent for edge in self.edges.values()}

    def above(self, name: str) -> list[str]:
        """Return a coordinate frame and those it lies in, up to the root."""
        out = [name]
        while out[-1] in self.edges and self.edges[out[-1]].parent not in out:
            out.append(self.edges[out[-1]].parent)
        return out

    def between(self, a: str, b: str) -> tuple[list[str], list[str]] | None:
        """Return the children of the edges up from a and up from b to where they meet."""
        up_a, up_b = self.above(a), self.above(b)
        meets = next((name for name in up_a if name in up_b), None)
        if meets is None:
            return None
        return up_a[: up_a.index(meets)], up_b[: up_b.index(meets)]

    def is_still(self, a: str, b: str) -> bool:
        """Tell whether a and b are joined by edges that stay."""
        found = self.between(a, b)
        return found is not None and all(self.edges[n].is_still for part in found for n in part)

    def at(self, a: str, b: str, times_ns: Ints) -> Floats | None:
        """Return a_from_b at each time, (S, 4, 4), or None if they are not joined."""
        found = self.between(a, b)
        if found is None:
            return None
        meets_from_a = self._product(found[0], times_ns)
        return np.asarray(inverse(meets_from_a) @ self._product(found[1], times_ns))

    def mount(self, a: str, b: str) -> Pose | None:
        """Return a_from_b, at the first instant where it is told over time; None if not joined."""
        found = self.between(a, b)
        if found is None:
            return None
        starts = [int(self.edges[n].path.timestamps_ns[0]) for part in found for n in part]
        poses = self.at(a, b, np.array([max(starts, default=0)], dtype=np.int64))
        return None if poses is None else poses[0]

    def path(self, world: str, ego: str) -> EgoPoses | None:
        """Return the ego's path, at the instants of the edge that is told most often.

        None if they are not joined, or no edge between them is told more than once.
        """
        found = self.between(world, ego)
        every = [self.edges[n] for part in found or () for n in part]
        # A vehicle that stands has a path too: its edge is told again and again.
        moving = [e for e in every if not e.is_still] or [e for e in every if len(e.told_ns) > 1]
        if not moving:
            return None
        times = max((edge.told_ns for edge in moving), key=len)
        first = max(int(edge.told_ns[0]) for edge in moving)
        last = min(int(edge.told_ns[-1]) for edge in moving)
        inside = times[(times >= first) & (times <= last)]
        times = inside if len(inside) else times
        poses = self.at(world, ego, times)
        return None if poses is None else EgoPoses(times, poses)

    def _product(self, names: list[str], times_ns: Ints) -> Floats:
        out = np.repeat(np.eye(4)[None], len(times_ns), axis=0)
        for name in names:
            out = self.edges[name].at(times_ns) @ out
        return out


def grown(steps: Iterable[Step]) -> tuple[Tree, list[str]]:
    """Return the tree of transforms, and a line for each thing that was strange in them."""
    told: dict[tuple[str, str], dict[int, Pose]] = {}
    for step in steps:
        if step.parent and step.child and step.parent != step.child:
            told.setdefault((step.child, step.parent), {}).setdefault(
                step.stamp_ns, step.parent_from_child
            )
    edges: dict[str, Edge] = {}
    counts: dict[str, int] = {}
    remarks = []
    for (child, parent), poses in told.items():
        if child in edges:
            remarks.append(
                f"{child} is told to lie in {edges[child].parent} and in {parent}: "
                "the one told more often counts"
            )
            if len(poses) <= counts[child]:
                continue
        edges[child], counts[child] = _edge(parent, poses), len(poses)
    return Tree(edges), remarks


def _edge(parent: str, poses: dict[int, Pose]) -> Edge:
    times = np.array(sorted(poses), dtype=np.int64)
    matrices = np.array([poses[t] for t in times.tolist()])
    n_kept = 1 if np.abs(matrices - matrices[0]).max() < STILL_M else len(times)
    return Edge(parent, EgoPoses(times[:n_kept], matrices[:n_kept]), times)
