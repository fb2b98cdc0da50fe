"""The image graph as text for Graphviz and as a drawing (SVG), without Graphviz."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise

from sig_bots.imagegraph import ImageGraph

__all__ = ["as_dot", "as_svg"]

_CHAR, _HIGH, _GAP, _APART, _EDGE = 7.3, 26, 12, 90, 16
"""Width of a character, height of a box, between boxes, between levels, around the drawing; in pixels."""
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STYLE = """
  text { font: 12px ui-monospace, monospace; fill: #1a1a1a; dominant-baseline: central }
  rect { fill: #f4f7fb; stroke: #3c6eb4 }
  path { fill: none; stroke: #55606e; stroke-width: 1.2 }
  .other { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8e8e8 } rect { fill: #1f2733; stroke: #7aa7e0 } path { stroke: #9aa5b1 }
  }
"""


def as_dot(graph: ImageGraph) -> str:
    """The graph for Graphviz; edges that are not `base` are dashed."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"  {quoted(name)};" for name in graph]
    for edge in graph.edges():
        style = "" if edge.kind == "base" else f" [style=dashed, label={quoted(edge.kind)}]"
        lines.append(f"  {quoted(edge.parent)} -> {quoted(edge.child)}{style};")
    return "\n".join(["digraph images {", "  rankdir=LR;", *lines, "}"])


def as_svg(graph: ImageGraph) -> str:
    """The graph as an SVG document: a column per level, parents left of children; dashed edges are not `base`.

    Every edge has a title (`copy: parent -> child`), shown by browsers on hover.
    """
    columns = _ordered(graph)
    widths = [max(len(name) for name in column) * _CHAR + 20 for column in columns]
    lefts = [float(_EDGE)]
    for width in widths:
        lefts.append(lefts[-1] + width + _APART)
    boxes = {
        name: (lefts[number], _EDGE + row * (_HIGH + _GAP), widths[number])
        for number, column in enumerate(columns)
        for row, name in enumerate(column)
    }
    rows = max((len(column) for column in columns), default=0)
    size = (max(lefts[-1] - _APART + _EDGE, 2 * _EDGE), 2 * _EDGE + max(rows * (_HIGH + _GAP) - _GAP, 0))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]:.0f}" height="{size[1]:.0f}" '
        f'viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" role="img" aria-label="Which image is made from which">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8"/></marker></defs>',
    ]
    for edge in graph.edges():
        (left, top, width), (right, bottom, _) = boxes[edge.parent], boxes[edge.child]
        x, y, z = left + width, top + _HIGH / 2, bottom + _HIGH / 2
        middle = (x + right) / 2
        kind = "" if edge.kind == "base" else ' class="other"'
        title = _text(f"{edge.kind}: {edge.parent} -> {edge.child}")
        lines.append(
            f'<path{kind} marker-end="url(#tip)" d="M{x:.1f} {y:.1f}C{middle:.1f} {y:.1f} {middle:.1f} {z:.1f} '
            f'{right:.1f} {z:.1f}"><title>{title}</title></path>'
        )
    for name, (left, top, width) in boxes.items():
        lines.append(
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_HIGH}" rx="5"/>'
            f'<text x="{left + 10:.1f}" y="{top + _HIGH / 2}">{_text(name)}</text>'
        )
    return "\n".join([*lines, "</svg>"])


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _ordered(graph: ImageGraph) -> list[list[str]]:
    """The levels, each in the order of what its images are made from, so that few edges cross."""
    parents: dict[str, list[str]] = {}
    for edge in graph.edges():
        parents.setdefault(edge.child, []).append(edge.parent)
    columns = [sorted(level) for level in graph.levels()]
    place = {name: row for column in columns for row, name in enumerate(column)}

    def middle(name: str) -> float:
        above = [place[parent] for parent in parents.get(name, ())]
        return sum(above) / len(above)

    for _, column in pairwise(columns):
        column.sort(key=lambda name: (middle(name), name))
        place.update((name, row) for row, name in enumerate(column))
    return columns
