// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <utility>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/reduce/sum.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

/// y = w · x + shift, whose fields name the shift only where Named.
template <bool Named>
struct Shifted {
  static constexpr int in = 3, out = 3, dimensions = any;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight, shift;  // (3)

    explicit Instance(Rng& rng) : weight{init::fan_in<T, B>({3}, 3, rng)}, shift{init::fan_in<T, B>({3}, 3, rng)} {}
    static void fields(auto& self, auto&& field) {
      field("weight", self.weight);
      if constexpr (Named) field("shift", self.shift);
    }
    template <Value X>
    X operator()(const X& x) const {
      return x * weight + shift;
    }
  };
};

const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});

}  // namespace

TEST_CASE("a parameter that the fields do not name is refused in training, and a named one is trained") {
  const Module<Shifted<false>, float> forgetful{Rng{1}};
  Tape tape;
  tape.watch(forgetful);
  CHECK_THROWS_WITH_AS(forgetful(tape.constant(x)),
                       doctest::Contains("a parameter of shape (3) that its `fields` do not name"), Error);
  CHECK(forgetful(x).shape() == Shape{2, 3});  // without a tape nothing is trained

  const Module<Shifted<true>, float> whole{Rng{1}};
  Tape good;
  good.watch(whole);
  CHECK(whole(good.constant(x)).shape() == Shape{2, 3});
}

TEST_CASE("parameters of a module that no tape watches are constants") {
  const Module<Shifted<true>, float> frozen{Rng{1}}, trained{Rng{2}};
  Tape tape;
  tape.watch(trained);
  const auto y = trained(frozen(tape.constant(x)));
  CHECK(to_vector(tensor_of(y)) == to_vector(trained(frozen(x))));
}

TEST_CASE("a module that was moved from says so at every use, until another is assigned") {
  Module<Linear<3, 2>, float> old{Rng{1}};
  const auto parameters = to_vector(old.parameters());
  Module<Linear<3, 2>, float> next = std::move(old);
  CHECK(to_vector(next.parameters()) == parameters);
  const auto moved = doctest::Contains("this module was moved from");
  CHECK_THROWS_WITH_AS(old(x), moved, Error);  // NOLINT(bugprone-use-after-move): what is tested
  CHECK_THROWS_WITH_AS((void)old->weight, moved, Error);
  CHECK_THROWS_WITH_AS((void)old.parameters(), moved, Error);
  CHECK_THROWS_WITH_AS((void)old.buffers(), moved, Error);
  CHECK_THROWS_WITH_AS((Module<Linear<3, 2>, float>{old}), moved, Error);
  Tape tape;
  CHECK_THROWS_WITH_AS(tape.watch(old), moved, Error);
  old = next;
  CHECK(to_vector(old(x)) == to_vector(next(x)));
}
