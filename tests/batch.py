#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes one translation unit of several test files: batch.py OUTPUT FILE...

Their includes come first. The rest of each file follows in a namespace of its own, so that no name of one file meets
another's, under #line, so that the compiler and doctest name the file. Paths are relative, so that clones share what a
cache of compilations has; those of #line are relative to the working directory, where compilers and tests run, too.
"""
import os
import re
import sys


def split(path, folder):
    """The includes and the numbered lines after the last of them."""
    with open(path) as file:
        lines = file.read().split("\n")
    last = max(n for n, line in enumerate(lines) if line.startswith("#include"))
    includes = []
    for line in lines[:last + 1]:
        if line.startswith('#include "'):
            beside = os.path.join(os.path.dirname(path), line.split('"')[1])
            if os.path.exists(beside):
                line = f'#include "{os.path.relpath(beside, folder)}"'
        if line.startswith("#include"):
            includes.append(line)
        elif line and not line.startswith("//"):
            sys.exit(f"batch.py: {path}: '{line}' stands before the last #include")
    return includes, last + 2, lines[last + 1:]


def main():
    output, files = sys.argv[1], sys.argv[2:]
    folder = os.path.dirname(output)
    includes, bodies = {}, []
    for n, path in enumerate(files):
        these, first, lines = split(path, folder)
        includes.update(dict.fromkeys(these))
        macros = re.findall(r"^#define (\w+)", "\n".join(lines), re.MULTILINE)
        bodies += [f"namespace file_{n} {{", f'#line {first} "{os.path.relpath(path)}"', *lines, "}",
                   *(f"#undef {macro}" for macro in macros)]
    os.makedirs(folder, exist_ok=True)
    with open(output, "w") as file:
        file.write("\n".join([*includes, *bodies]) + "\n")


main()
