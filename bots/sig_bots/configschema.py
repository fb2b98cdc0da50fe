"""The JSON Schema of `.sigbot.yaml` for editors, and a first file suggested for a repository that has none."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sig_bots.config import VERSION, ImageSpec
from sig_bots.roster import Roster

__all__ = ["json_schema", "suggest"]


def json_schema(roster: Roster) -> dict[str, Any]:
    """The schema (2020-12) of the file for the installed bots."""
    bots = {name: bot for name, bot in roster.bots.items() if not bot.always or bot.config_model.model_fields}
    models: list[type[BaseModel]] = [ImageSpec, *(bot.config_model for bot in bots.values())]
    by_model, definitions = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template="#/$defs/{model}"
    )
    properties: dict[str, Any] = {
        "version": {"const": VERSION},
        "images": {
            "type": "array",
            "description": "The images this repository publishes",
            "items": by_model[(ImageSpec, "validation")],
        },
        "permissions": {
            "type": "object",
            "description": "Least right per command, where it differs from the default",
            "properties": {name: {"enum": ["anyone", "author", "write", "admin"]} for name in roster.commands},
            "additionalProperties": False,
        },
    }
    defs = definitions.get("$defs", {})
    for name, bot in bots.items():
        reference = by_model[(bot.config_model, "validation")]
        section = dict(defs[str(reference["$ref"]).rpartition("/")[2]])
        section["properties"] = {
            "enabled": {"type": "boolean", "default": True, "description": "false switches the bot off"},
            **section.get("properties", {}),
        }
        properties[name] = {"description": bot.summary, "anyOf": [section, {"type": ["boolean", "null"]}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": ".sigbot.yaml",
        "type": "object",
        "required": ["version"],
        "properties": properties,
        "additionalProperties": False,
        "$defs": defs,
    }


def suggest(
    containerfiles: Sequence[str], publish_at: str = "quay.io/YOUR-ORGANISATION", name: str = "YOUR-IMAGE"
) -> str:
    """Text of a first `.sigbot.yaml`: lint and update enabled, and the images to publish as comments to fill in.

    `containerfiles` are paths relative to the root of the repository. Their images go below `publish_at`, each named as
    its folder is, no two alike; `name` is for one in the root.
    """
    lines = [f"version: {VERSION}", "lint: {}", "update: {}"]
    if containerfiles:
        lines += ["", "# To build and publish, say where each image goes and take the # away:"]
        lines += ["# build: {}", "# rebuild: {}", "# images:"]
        for path, image in _image_names(containerfiles, name).items():
            lines.append(f"#   - name: {publish_at}/{image}")
            lines.append(f"#     containerfile: {_scalar(path)}")
    return "\n".join(lines) + "\n"


def _image_names(containerfiles: Sequence[str], root: str) -> dict[str, str]:
    """Path -> name: the folder's; where that is taken, with what the file's own name or the way to the folder adds."""
    found: dict[str, str] = {}
    for path in sorted(containerfiles, key=lambda one: (_variant(one) != "", one)):
        way = PurePosixPath(path).parent
        base = _image_part(way.name) or root
        long = _image_part(str(way)) or root
        variants = [f"{one}-{_variant(path)}" for one in (base, long) if _variant(path)]
        numbered = (f"{base}-{number}" for number in range(2, len(containerfiles) + 2))
        taken = set(found.values())
        found[path] = next(one for one in (base, *variants, long, *numbered) if one not in taken)
    return dict(sorted(found.items()))


def _variant(path: str) -> str:
    """What tells the files of one folder apart: `dev` of `Containerfile.dev` and of `dev.Dockerfile`."""
    return _image_part(re.sub("containerfile|dockerfile", "", PurePosixPath(path).name.lower()))


def _image_part(folder: str) -> str:
    return "-".join("".join(char if char.isascii() and char.isalnum() else " " for char in folder.lower()).split())


def _scalar(path: str) -> str:
    """The path as YAML; quoted (JSON strings are YAML) when it is not made of plain letters."""
    plain = path.isascii() and all(char.isalnum() or char in "/._-" for char in path) and path[0] not in "-."
    return path if plain else json.dumps(path)
