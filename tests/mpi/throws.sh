#!/bin/sh
# SPDX-License-Identifier: MIT
# throws.sh MPIEXEC FLAG PROGRAM: the data of one of three ranks throws; it says so, saves what all have learnt, and ends
# the others within seconds.
rm -f "$FLIPBOOK_TEST_CHECKPOINT"
said=$(timeout 20 "$1" "$2" 3 "$3" --minimal --no-skip '--test-case=a rank that throws*' 2>&1)
status=$?
echo "$said"
test $status -ne 0 && test $status -ne 124 && test -s "$FLIPBOOK_TEST_CHECKPOINT" &&
  echo "$said" | grep -q 'rank 1 of 3 stops, and with it the others: the disk of this rank is gone'
