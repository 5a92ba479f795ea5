// SPDX-License-Identifier: MIT
// A cell takes one step; what is recomputed is a layer over sequences.
// EXPECT: Recompute<Cell>: a cell takes one step
#include <flipbook/nn/recompute.hpp>
#include <flipbook/nn/recurrent.hpp>

using namespace flipbook;

#ifdef CONTROL
static_assert(nn::Recompute<nn::Recurrent<nn::GruCell<2, 3>>>::stepwise);
#else
static_assert(nn::Recompute<nn::GruCell<2, 3>>::stepwise);
#endif
