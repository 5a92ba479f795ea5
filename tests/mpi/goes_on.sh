#!/bin/sh
# SPDX-License-Identifier: MIT
# goes_on.sh MPIEXEC FLAG PROGRAM: three steps on four ranks, then three more on two.
set -e
case='--test-case=a run of several ranks*'
rm -f "$FLIPBOOK_TEST_CHECKPOINT"
"$1" "$2" 4 "$3" --minimal --no-skip "$case"
test -s "$FLIPBOOK_TEST_CHECKPOINT"
"$1" "$2" 2 "$3" --minimal --no-skip "$case"
