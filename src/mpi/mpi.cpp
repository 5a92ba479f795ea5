// SPDX-License-Identifier: MIT
// Compiled into every program that links flipbook::mpi.
#include <flipbook/distributed/mpi.hpp>
