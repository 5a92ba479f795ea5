#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks every include of the library against the drawing in docs/design.md.

The block that begins with ```layers there has a line `FOLDER: FOLDERS` for each folder of include/flipbook: what its
headers may include besides the folder's own. A folder is named by its path; `geometry` are the headers of kernels/
that say what an operation works on and include no backend, and a file may be named by itself.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include" / "flipbook"
GEOMETRY = {"geometry.hpp", "phase.hpp", "positions.hpp"}


def folder(place):
    parts = place.split("/")
    if parts[0] == "backend":
        return "/".join(parts[:2])
    if parts[0] == "kernels" and parts[-1] in GEOMETRY:
        return "geometry"
    return parts[0]


def allowed():
    block = re.search(r"```layers\n(.*?)```", (ROOT / "docs" / "design.md").read_text(), flags=re.S)
    if not block:
        sys.exit("docs/design.md has no block ```layers")
    edges = {}
    for line in block.group(1).strip().splitlines():
        source, _, targets = line.partition(":")
        edges[source.strip()] = set(targets.split("#")[0].split())
    return edges


def main():
    edges, used, wrong = allowed(), set(), []
    for header in sorted(INCLUDE.rglob("*.hpp")):
        place = header.relative_to(INCLUDE).as_posix()
        if place == "flipbook.hpp":
            continue
        for target in re.findall(r"#\s*include <flipbook/([^>]+)>", header.read_text()):
            source, to = folder(place), folder(target)
            if source == to:
                continue
            if to in edges.get(source, ()):
                used.add((source, to))
            elif to in edges.get(place, ()):
                used.add((place, to))
            else:
                wrong.append(f"include/flipbook/{place} includes <flipbook/{target}>: {source} may not include {to}")
    wrong += [f"docs/design.md: no header of {source} includes {to}"
              for source, targets in edges.items() for to in sorted(targets) if (source, to) not in used]
    print("\n".join(wrong) or "every include goes where docs/design.md says")
    return bool(wrong)


sys.exit(main())
