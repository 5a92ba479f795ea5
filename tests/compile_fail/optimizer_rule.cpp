// SPDX-License-Identifier: MIT
// An optimiser's rule names what it remembers.
// WITHIN: 12, since compilers say what a concept misses after where it is asked for.
// EXPECT: is not an optim::Rule
// EXPECT: (required expression|because) .?.?.?rule.state_names\(\)
#include <flipbook/optim/sgd.hpp>

using namespace flipbook;

struct Plain {
  double learning_rate = 1e-2;

#ifdef CONTROL
  std::vector<const char*> state_names() const { return {}; }
#endif
  void update(Index, const auto& pass) const { pass(function::SgdPass{learning_rate, 0}); }
};

int main() {
  const auto p = ones<float>({3});
  Optimizer optimizer{Plain{}, p};
  optimizer.step(p, p);
}
