// SPDX-License-Identifier: MIT
// A layer names an instance for each scalar and backend.
// WITHIN: 11, since compilers say what a concept misses after where it is asked for.
// EXPECT: Layer
// EXPECT: (required type|because) .*Instance<
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/residual.hpp>

using namespace flipbook;

struct Twice {
  static constexpr int in = nn::any, out = nn::any, dimensions = nn::any;

#ifdef CONTROL
  template <Real T, class B>
#else
  template <class T>
#endif
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return 2 * x;
    }
  };
};

static_assert(nn::Repeat<2, Twice>::in == nn::any);
