// SPDX-License-Identifier: MIT
// What a network's instance is made of is random numbers, or nothing.
// EXPECT: Net is not Instantiable
// EXPECT: Instantiable<
#include <flipbook/nn/module.hpp>

using namespace flipbook;

struct Scaled {
  template <Real T, class B>
  struct Instance {
    T factor;

#ifdef CONTROL
    explicit Instance(Rng&) : factor(2) {}
#else
    explicit Instance(T by) : factor(by) {}
#endif
  };
};

const Module<Scaled, float> network;
