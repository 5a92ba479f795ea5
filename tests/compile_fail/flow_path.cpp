// SPDX-License-Identifier: MIT
// The path of a flow says the velocity along it.
// EXPECT GNU: constraints? (failure|not satisfied)
// EXPECT Clang: constraints not satisfied for class template 'Flow'
#include <flipbook/models/flow/flow_mlp.hpp>

using namespace flipbook;

struct Line {
  template <Value X>
  static X at(const X& x0, const X& x1, const X& t) {
    return x0 + t * (x1 - x0);
  }
#ifdef CONTROL
  template <Value X>
  static X velocity(const X& x0, const X& x1, const X&) {
    return x1 - x0;
  }
#endif
};

int main() { const Module<Flow<FlowMlp<2, 8, 1>, Line>, float> model; }
