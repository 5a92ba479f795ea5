# SPDX-License-Identifier: MIT
"""Compiles registers.cu for compute capability 9.0, without a device, and fails where a block of a kernel would need
more registers than a multiprocessor has, so that it could not be launched, or where a kernel spills more than is known.

    python3 registers.py NVCC OPTION...
"""
import pathlib
import re
import subprocess
import sys
import tempfile

REGISTERS = 65536  # of a multiprocessor
ROW_THREADS, THREADS = 512, 256  # of the largest blocks: of kernels of rows (RowPlan), of others
# Bytes that a thread may load from where it has spilled them; kernels that are not here spill nothing.
SPILLS = {'row_gradient': 300, 'normalize_rows': 20, 'implicit_gemm': 60, 'weight_gradient': 130}


def name_of(mangled):
    """The last part of the name of a template: its own."""
    name, rest = '', mangled.removeprefix('_ZN')
    while length := re.match(r'\d+', rest):
        begin = length.end()
        name, rest = rest[begin:begin + int(length[0])], rest[begin + int(length[0]):]
    return name


def kernels(log):
    """(mangled name, registers, bytes of spills loaded) of each kernel that ptxas reports."""
    pattern = r"entry function '(\w+)'.*?(\d+) bytes spill loads.*?Used (\d+) registers"
    return [(name, int(registers), int(spills)) for name, spills, registers in re.findall(pattern, log, re.DOTALL)]


def faults_of(mangled, registers, spills):
    name, threads = name_of(mangled), ROW_THREADS if '7RowPlan' in mangled else THREADS
    if (registers + 7) // 8 * 8 * threads > REGISTERS:
        yield f'{name}: {registers} registers for {threads} threads: cannot be launched'
    if spills > SPILLS.get(name, 0):
        yield f'{name}: loads {spills} spilled bytes, more than {SPILLS.get(name, 0)}'


def main():
    with tempfile.TemporaryDirectory() as folder:
        command = sys.argv[1:] + ['-arch=sm_90', '-Xptxas=-v', '-cubin', '-o', f'{folder}/registers.cubin',
                                  str(pathlib.Path(__file__).with_suffix('.cu'))]
        run = subprocess.run(command, capture_output=True, text=True)
    found = kernels(run.stdout + run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f'{run.stdout}{run.stderr}\nno kernels were compiled')
    for mangled, registers, spills in found:
        print(f'{name_of(mangled):20} {registers:3} registers, {spills:3} spilled bytes loaded')
    sys.exit('\n'.join(fault for kernel in found for fault in faults_of(*kernel)) or 0)


main()
