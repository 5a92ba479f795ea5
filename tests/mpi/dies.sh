#!/bin/sh
# SPDX-License-Identifier: MIT
# dies.sh MPIEXEC FLAG PROGRAM: one of three ranks is killed; within seconds the others end, and it is named.
said=$(timeout 20 "$1" "$2" 3 "$3" --minimal --no-skip '--test-case=a rank that dies*' 2>&1)
status=$?
echo "$said"
test $status -ne 0 && test $status -ne 124 && echo "$said" | grep -q 'rank 1 .*signal 9'
