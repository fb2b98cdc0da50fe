"""Which image is made from which: levels to build in, what a change reaches, cycles refused with their path.

A node is a tag, `registry/path:tag`, not a repository: `a:a -> b:b -> a:c` is no cycle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sig_bots.refs import ImageRef
from sig_bots.tools import FleetImage

__all__ = ["ImageEdge", "ImageGraph", "Plan", "Refused", "node"]

_LONGEST_CYCLE = 40


class ImageEdge(NamedTuple):
    """`child` uses `parent`; kinds as in `tools.ParentEdge`."""

    parent: str
    child: str
    kind: str = "base"


class Refused(NamedTuple):
    """An edge that is not in the graph, because it would close a cycle. The path starts and ends with one node."""

    edge: ImageEdge
    path: tuple[str, ...]

    def __str__(self) -> str:
        if len(self.path) == 2:
            return f"{self.edge.child} is made from itself; publish it under another tag than it is made FROM."
        return f"{' -> '.join(self.path)} is a cycle; the edge {self.edge.parent} -> {self.edge.child} is left out."


def node(image: ImageRef) -> str:
    """Name of the node of an image: without a tag `latest`, or its digest when it has only that."""
    if image.tag is None and image.digest:
        return f"{image.name}@{image.digest}"
    return f"{image.name}:{image.tag or 'latest'}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be rebuilt when `changed` changed, in levels; `because` names each image's parents in the plan."""

    changed: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    because: Mapping[str, tuple[ImageEdge, ...]] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """How many images the plan rebuilds."""
        return sum(len(level) for level in self.levels)

    def text(self, limit: int = 50) -> str:
        """The plan for people: a head line, then a line per image with its reason, at most `limit` of them."""
        changed = ", ".join(self.changed[:3]) + (f" and {len(self.changed) - 3} more" if len(self.changed) > 3 else "")
        if not self.levels:
            return f"Nothing to rebuild: no image is made from {changed}."
        lines = [
            f"{_count(self.images, 'image')}, {_count(len(self.levels), 'level')}, because {changed} changed",
        ]
        for number, level in enumerate(self.levels, 1):
            lines.extend(f"  {number}. {name} ({self._why(name)})" for name in level)
        if len(lines) > limit + 1:
            lines[limit + 1 :] = [f"  and {len(lines) - limit - 1} more"]
        return "\n".join(lines)

    def _why(self, name: str) -> str:
        return ", ".join(f"{edge.kind} {edge.parent}" for edge in self.because[name])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cycle(path: list[str], first: int) -> tuple[str, ...]:
    """The cycle from position `first` of a path; the middle of a very long one is left out."""
    if len(path) - first <= _LONGEST_CYCLE:
        return (*path[first:], path[first])
    half = _LONGEST_CYCLE // 2
    return (*path[first : first + half], "...", *path[-half:], path[first])


class ImageGraph:
    """The graph of a fleet. Edges that would close a cycle are in `refused`, everything else is kept.

    Edges are `ImageEdge`s or tuples (parent, child, kind); they are held, not copied. The constructor orders the
    nodes as well; cycles are found among the nodes that this leaves over, not by looking at all edges again.
    """

    __slots__ = ("_children", "_level", "_levels", "refused")

    def __init__(self, edges: Iterable[ImageEdge | tuple[str, str, str]], nodes: Iterable[str] = ()) -> None:
        self.refused: list[Refused] = []
        self._children: dict[str, list[ImageEdge | tuple[str, str, str]]] = {}
        # Number of edges not yet followed while ordering, then the level.
        self._level: dict[str, int] = dict.fromkeys(nodes, 0)
        children, waiting = self._children, self._level
        for edge in edges:
            parent, child = edge[0], edge[1]
            if parent == child:
                self.refused.append(Refused(ImageEdge(*edge), (parent, parent)))
                waiting.setdefault(parent, 0)
                continue
            try:
                children[parent].append(edge)
            except KeyError:
                children[parent] = [edge]
                waiting.setdefault(parent, 0)
            waiting[child] = waiting.get(child, 0) + 1
        self._levels = self._order()

    @classmethod
    def of(cls, images: Iterable[FleetImage]) -> ImageGraph:
        """The graph of the inventory's images and of everything they are made from."""
        images = list(images)
        edges = [ImageEdge(node(edge.image), node(one.image), edge.kind) for one in images for edge in one.parents]
        return cls(edges, [node(one.image) for one in images])

    def __len__(self) -> int:
        return len(self._level)

    def __contains__(self, name: str) -> bool:
        return name in self._level

    def __iter__(self) -> Iterator[str]:
        return iter(self._level)

    def edges(self) -> Iterator[ImageEdge]:
        """All edges that are in the graph."""
        for held in self._children.values():
            yield from (ImageEdge(*edge) for edge in held)

    def children(self, name: str, kinds: Collection[str] | None = None) -> list[ImageEdge]:
        """Edges from an image to those that use it, of some kinds or of all; empty for an unknown one."""
        return [ImageEdge(*edge) for edge in self._children.get(name, ()) if kinds is None or edge[2] in kinds]

    def levels(self) -> list[list[str]]:
        """All nodes, each in a level after those of all its parents, as early as possible."""
        return self._levels

    def level(self, name: str) -> int:
        """Index of the node's level. Raises KeyError for an unknown one."""
        return self._level[name]

    def _order(self) -> list[list[str]]:
        """Kahn's algorithm by levels; turns the numbers of waiting edges into levels."""
        children, waiting = self._children, self._level
        levels: list[list[str]] = []
        current = [name for name, count in waiting.items() if not count]
        placed = 0
        depth = 0
        while current:
            levels.append(current)
            placed += len(current)
            following: list[str] = []
            for name in current:
                waiting[name] = depth
                for edge in children.get(name, ()):
                    child = edge[1]
                    left = waiting[child] - 1
                    waiting[child] = left
                    if not left:
                        following.append(child)
            current = following
            depth += 1
        return levels if placed == len(waiting) else self._order_rest(levels)

    def _order_rest(self, levels: list[list[str]]) -> list[list[str]]:
        """Order the nodes on and behind cycles, once the edges that close the cycles are out."""
        placed = {name for level in levels for name in level}
        rest = [name for name in self._level if name not in placed]
        self._refuse_cycles(rest)
        waiting = dict.fromkeys(rest, 0)
        depth = dict.fromkeys(rest, 0)
        for name, held in self._children.items():
            for edge in held:
                if edge[1] in waiting:
                    if name in waiting:
                        waiting[edge[1]] += 1
                    else:
                        depth[edge[1]] = max(depth[edge[1]], self._level[name] + 1)
        ready = [name for name in rest if not waiting[name]]
        for name in ready:
            for edge in self._children.get(name, ()):
                child = edge[1]
                depth[child] = max(depth[child], depth[name] + 1)
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        for name in ready:
            self._level[name] = depth[name]
            while len(levels) <= depth[name]:
                levels.append([])
            levels[depth[name]].append(name)
        return levels

    def _refuse_cycles(self, names: list[str]) -> None:
        """Walk depth first over `names` (closed under children) and take out each edge that leads back on the path."""
        done: set[str] = set()
        for start in names:
            if start in done:
                continue
            path = [start]
            on_path = {start: 0}
            todo = [iter(tuple(self._children.get(start, ())))]
            while todo:
                edge = next(todo[-1], None)
                if edge is None:
                    todo.pop()
                    left = path.pop()
                    del on_path[left]
                    done.add(left)
                elif edge[1] in on_path:
                    self._children[edge[0]].remove(edge)
                    self.refused.append(Refused(ImageEdge(*edge), _cycle(path, on_path[edge[1]])))
                elif edge[1] not in done:
                    on_path[edge[1]] = len(path)
                    path.append(edge[1])
                    todo.append(iter(tuple(self._children.get(edge[1], ()))))

    def affected(self, name: str, kinds: Collection[str] | None = None) -> list[str]:
        """Everything made from an image, directly or not, parents before children; the image itself is left out.

        With `kinds` only edges of these kinds are followed. Touches only the affected part of the graph.
        """
        reached = self._reach([name], kinds)
        return sorted(reached, key=lambda one: (self._level[one], one))

    def _reach(self, names: Collection[str], kinds: Collection[str] | None) -> set[str]:
        seen = set(names)
        todo = list(names)
        for one in todo:
            for edge in self._children.get(one, ()):
                child = edge[1]
                if child not in seen and (kinds is None or edge[2] in kinds):
                    seen.add(child)
                    todo.append(child)
        return seen.difference(names)

    def plan(self, changed: Collection[str], kinds: Collection[str] | None = None) -> Plan:
        """What to rebuild when images changed, in the order to do it: levels within the affected part."""
        names = self._reach(changed, kinds)
        because: dict[str, list[ImageEdge]] = {}
        for name in sorted(names | (set(changed) & self._level.keys())):
            for edge in self.children(name, kinds):
                if edge.child in names:
                    because.setdefault(edge.child, []).append(edge)
        depth: dict[str, int] = {}
        for name in sorted(names, key=lambda one: (self._level[one], one)):
            depth[name] = max((depth[edge.parent] + 1 for edge in because[name] if edge.parent in depth), default=0)
        levels: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for name, number in depth.items():
            levels[number].append(name)
        return Plan(
            tuple(sorted(changed)),
            tuple(tuple(level) for level in levels),
            {name: tuple(edges) for name, edges in because.items()},
        )
