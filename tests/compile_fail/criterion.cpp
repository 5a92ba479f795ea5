// SPDX-License-Identifier: MIT
// The best of several predictions is chosen by one number, of which it is known which way is better.
// EXPECT: constraints? not satisfied
// EXPECT GNU: requires .Criterion<C>.
// EXPECT Clang: does not satisfy 'Criterion'
#include <flipbook/metrics/best_of.hpp>
#include <flipbook/metrics/curve.hpp>
#include <flipbook/metrics/error.hpp>

using namespace flipbook::metrics;

#ifdef CONTROL
BestOf<Psnr, Curve<Psnr>> best;
#else
BestOf<Curve<Psnr>> best;
#endif
