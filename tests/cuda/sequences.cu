// SPDX-License-Identifier: MIT
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/attention.hpp>
#include <flipbook/nn/cells.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/transformer.hpp>

#include "networks.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

constexpr Window keeps{.kernel = 3, .padding = 1}, halves{.kernel = 4, .stride = 2, .padding = 1};
constexpr TransformerOptions by_frame{.causal = Causal::frame, .rotary = true, .dropout = 0.2};

using Vectors = Stack<Linear<3, 5>, Tanh, LstmCell<5, 8>, GruCell<8, 7>, RnnCell<7, 2>>;
using Images = Stack<ConvLstmCell<2, 3, keeps>, Conv2d<3, 2, halves>, ConvGruCell<2, 4, keeps>>;
using Tokens = Stack<Linear<3, 8>, SinusoidalPosition, LearnedPosition<8, 6>, Transformer<2, 8, 2>, LayerNorm<8>>;
using Patches = Stack<LearnedPosition<8, 4, 2, 3>, Transformer<1, 8, 2, by_frame>>;

/// Attends from one half of a sequence to the other.
struct Across {
  template <Real T, class B>
  struct Instance : Of<CrossAttention<8, 2>, T, B> {
    using Base = Of<CrossAttention<8, 2>, T, B>;
    using Base::Base;
    template <Value X>
    X operator()(const X& x) const {
      const auto parts = flipbook::split(x, 1, {2, x.shape()[1] - 2});
      return Base::operator()(parts[0], parts[1]);
    }
  };
};

}  // namespace

TEST_CASE("recurrent cells of vectors are the CPU's, in training and in inference") {
  check_network<Vectors>({2, 5, 3});
}
TEST_CASE("recurrent cells of images are the CPU's, in training and in inference") {
  check_network<Images>({2, 3, 6, 4, 2});
}
TEST_CASE("a transformer of tokens is the CPU's, in training and in inference") { check_network<Tokens>({2, 6, 3}); }
TEST_CASE("a transformer of frames is the CPU's, in training and in inference") {
  check_network<Patches>({2, 4, 2, 3, 8});
}
TEST_CASE("attention to another sequence is the CPU's, in training and in inference") {
  check_network<Across>({2, 7, 8});
}

TEST_CASE_TEMPLATE("step by step, with what is kept, gives what the CPU gives", Net, Vectors, Patches) {
  const auto run = []<class B>(B, const Tensor<double>& clip) {
    const Module<Net, double, B> net{Rng{1}};
    const auto frames = unstack(to<B>(clip), 1);
    auto state = net->start(frames[0]);
    List<Tensor<double, B>> outputs;
    for (const auto& frame : frames) outputs.push_back(net->step(frame, state));
    return to<Cpu>(stack(1, outputs));
  };
  const auto clip = random<double>(Net::in == 3 ? Shape{2, 4, 3} : Shape{2, 4, 2, 3, 8});
  CHECK(difference(run(Cuda{}, clip), run(Cpu{}, clip)) < 10 * device_tolerance<double>);
}

TEST_CASE_TEMPLATE("masks and the angles of positions are the CPU's", T, float, double) {
  const Tensor<std::uint8_t> seen({2, 3}, {0, 1, 255, 1, 0, 0});
  CHECK(test::same(to<Cpu>(additive_mask<T>(to<Cuda>(seen))), additive_mask<T>(seen)));
  for (const Shape& extents : {Shape{1}, Shape{0}, Shape{37}, Shape{4, 3, 5}}) {
    for (const Index pairs : {1, 7, 32}) {
      const auto here = position_angles<T, Cpu>(extents, pairs, 3);
      const auto there = position_angles<T, Cuda>(extents, pairs, 3);
      CHECK(difference(to<Cpu>(there.cosines), here.cosines) < device_tolerance<T>);
      CHECK(difference(to<Cpu>(there.sines), here.sines) < device_tolerance<T>);
    }
  }
}
