// SPDX-License-Identifier: MIT
// A network of five frames cannot be given a context of ten.
// WITHIN: 12, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: ReadsTheContext
#include <flipbook/models/autoregressive/simvp.hpp>

using namespace flipbook;

constexpr simvp::Options small{.spatial = 2, .hidden = 4, .blocks = 2, .expansion = 2};
#ifdef CONTROL
using Model = OnePass<SimVpNetwork<5, 1, 1, small>, 5>;
#else
using Model = OnePass<SimVpNetwork<5, 1, 1, small>, 10>;
#endif
constexpr int context = Model::context;
