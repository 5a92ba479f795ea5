#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that src/kernels/ names every kernel that headers take from flipbook::kernels, every functor of theirs, and
the bodies of all functions that are not templates, and that flipbook.hpp, by way of which it instantiates templates,
includes every header that has some (FLIPBOOK_TEMPLATE)."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def included(header, found):
    """The header and all that it includes of this project."""
    if header not in found and (ROOT / "include" / header).exists():
        found.add(header)
        for other in re.findall(r"^#include <(.*)>", (ROOT / "include" / header).read_text(), flags=re.M):
            included(other, found)
    return found


def main():
    library = "".join(source.read_text() for source in sorted((ROOT / "src" / "kernels").glob("*.cpp")))
    everything = included("flipbook/flipbook.hpp", set())
    missing = []
    for header in sorted((ROOT / "include" / "flipbook").rglob("*.hpp")):
        text, where = header.read_text(), header.relative_to(ROOT)
        for name in re.findall(r'from_library<"(\w+)"', text):
            if f'"{name}"' not in library:
                missing.append(f"{where}: kernel {name}")
        functions = r"^namespace (?:[\w:]* ?[\w:]*::)?function \{(.*?)\n\}  // namespace"
        for block in re.findall(functions, text, flags=re.S | re.M):
            for name in re.findall(r"^struct (\w+) \{", block, flags=re.M):
                if not re.search(rf"\b{name}\b", library):
                    missing.append(f"{where}: functor {name}")
        if re.search(r"^FLIPBOOK_(TEMPLATE|RECORDED_\d)\(", text, flags=re.M):
            if str(where.relative_to("include")) not in everything:
                missing.append(f"{where}, which flipbook.hpp does not include")
    for bodies in sorted((ROOT / "include").rglob("*.ipp")):
        if f"#include <{bodies.relative_to(ROOT / 'include')}>" not in library:
            missing.append(f"functions of {bodies.relative_to(ROOT)}")
    print("\n".join(missing) + "\nsrc/kernels/ does not name these" if missing else "src/kernels/ names all kernels")
    return bool(missing)


sys.exit(main())
