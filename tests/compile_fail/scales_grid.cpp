// SPDX-License-Identifier: MIT
// Each scale's blocks make up the whole grid.
// EXPECT: each scale must divide the last one
#include <flipbook/quantizer/scales.hpp>

using namespace flipbook;

#ifdef CONTROL
using Grids = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 2}, Extent{2, 4, 4}>;
#else
using Grids = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 3, 3}, Extent{2, 4, 4}>;
#endif

int places() { return Grids::length; }
