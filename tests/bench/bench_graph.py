"""The image graph against plain dicts and lists (Kahn by levels): 100,000 images, 300,000 edges."""

from __future__ import annotations

import gc
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable

from sig_bots.imagegraph import ImageEdge, ImageGraph
from tests.bench.rows import Result, alone, ratios, row

NODES, EDGES, DEPTH = 100_000, 300_000, 180


def fleet(seed: int) -> list[ImageEdge]:
    """Edges from lower to higher levels of a made-up fleet, shuffled."""
    rng = random.Random(seed)
    names = [f"quay.io/fleet/image-{number}:1" for number in range(NODES)]
    kinds = ["base", "base", "builder", "copy", "mount"]
    step = NODES // DEPTH
    edges = []
    for _ in range(EDGES):
        parent = rng.randrange(NODES - step)
        child = min(NODES - 1, parent + step + rng.randrange(step))
        edges.append(ImageEdge(names[parent], names[child], rng.choice(kinds)))
    rng.shuffle(edges)
    return edges


def plain(edges: list[ImageEdge]) -> tuple[object, int]:
    """The limit: what anybody would write, without kinds and without a look at cycles."""
    children: dict[str, list[str]] = {}
    waiting: dict[str, int] = {}
    for parent, child, _ in edges:
        if parent not in children:
            children[parent] = []
        if child not in children:
            children[child] = []
        children[parent].append(child)
        waiting[child] = waiting.get(child, 0) + 1
        waiting.setdefault(parent, 0)
    levels = []
    current = [name for name, count in waiting.items() if not count]
    while current:
        levels.append(current)
        following = []
        for name in current:
            for child in children[name]:
                waiting[child] -= 1
                if not waiting[child]:
                    following.append(child)
        current = following
    return (children, waiting, levels), sum(len(level) for level in levels)


def ours(edges: list[ImageEdge]) -> tuple[object, int]:
    """Our graph, with kinds and cycle detection."""
    graph = ImageGraph(edges)
    return graph, sum(len(level) for level in graph.levels())


def _cpu(work: Callable[[list[ImageEdge]], tuple[object, int]], edges: list[ImageEdge]) -> tuple[float, int]:
    gc.collect()
    start = time.process_time()
    held, count = work(edges)
    spent = time.process_time() - start
    del held
    return spent, count


def _memory(work: Callable[[list[ImageEdge]], tuple[object, int]], edges: list[ImageEdge]) -> int:
    gc.collect()
    tracemalloc.start()
    held, _ = work(edges)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del held
    return peak


def run(rounds: int = 5, quick: bool = False) -> Result:
    """CPU seconds of each way in turn, their ratios per round, and peak memory beyond names and edges."""
    rounds = 2 if quick else rounds
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(rounds):
        edges = fleet(number)
        totals = set()
        for name, work in (("plain", plain), ("ours", ours)):
            spent, count = _cpu(work, edges)
            times[name].append(spent)
            totals.add(count)
        (ordered,) = totals  # both order the same images: those that have an edge
        assert ordered > 0.99 * NODES
    edges = fleet(0)
    memory = {name: _memory(work, edges) for name, work in (("plain", plain), ("ours", ours))}
    figures = {f"{name}_seconds": statistics.median(values) for name, values in times.items()}
    figures |= {f"{name}_memory_mb": size / 1e6 for name, size in memory.items()}
    counts = {"images": NODES, "edges": EDGES}
    beside = "dicts and lists, Kahn by levels"
    return {
        "rows": [
            row(
                "graph of 100,000 images: build and levels, CPU", ratios(times["ours"], times["plain"]), beside=beside,
                floor=1.3, figures=figures, counts=counts,
            ),
            row("the same, memory", [memory["ours"] / memory["plain"]], beside=beside, floor=1.5, counts=counts),
        ],
        "raw": times,
    }  # fmt: skip


if __name__ == "__main__":
    alone(run, __doc__)
