// SPDX-License-Identifier: MIT
// What docs/extending.md shows.
#include <doctest/doctest.h>

#include <algorithm>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/loss/regression.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook {

// [kernel]
namespace kernel {

/// y[n, t] = x[n, t + 1] − x[n, t] over frames of any shape: x (N, T + 1, …), y (N, T, …).
template <class T>
void difference(Cpu, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x) {
  const Index frames = y.extent(1), size = y.shape().part(2, y.rank()).size();
  const Index least = (1 << 14) / std::max<Index>(size, 1) + 1;  // frames worth a thread
  parallel_for(y.extent(0) * frames, least, [&, to = y.data(), from = x.data()](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const T* now = from + (i + i / frames) * size;  // a clip of x has one frame more
      std::transform(now + size, now + 2 * size, now, to + i * size, [](T next, T here) { return next - here; });
    }
  });
}

}  // namespace kernel
// [/kernel]

// [op]
/// What changes from each frame to the next: y[n, t] = x[n, t + 1] − x[n, t].
struct Difference {
  static constexpr unsigned saves = save::none;  // the gradient reads neither x nor y

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Shape shape = x.shape();
    shape[1] -= 1;
    Tensor<T, B> y(shape);
    kernel::difference(B{}, y, x);
    return y;
  }

  /// dx[n, t] = dy[n, t − 1] − dy[n, t], with zeros beyond both ends: the negated difference of padded dy.
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return -apply(Difference{}, pad(dy, 1, 1, 1)); });
  }
};

/// @param x  (N, T, …)     @return  (N, T − 1, …)
/// @throws   Error  if there are fewer than two frames
template <Operand X>
auto difference(const X& x) {
  require(x.shape().rank() >= 2 && x.shape()[1] >= 2, "difference: needs (N, T, …) with two frames at least, got ",
          x.shape());
  return apply(Difference{}, x);
}
// [/op]

// [layer]
namespace nn {

/// What changes from frame to frame: (N, T, H, W, C) → (N, T − 1, H, W, C).
struct Motion {
  static constexpr int in = any, out = any, dimensions = 3;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return difference(x);
    }
  };
};

}  // namespace nn
// [/layer]

}  // namespace flipbook

using namespace flipbook;

// [tests]
TEST_CASE_TEMPLATE("a difference is the next frame less this one", T, float, double) {
  Rng rng{1};
  for (const Shape& shape : {Shape{1, 2, 1}, Shape{3, 5, 7}, Shape{2, 17, 3, 5, 2}}) {
    const auto x = normal<T>(shape, rng);
    const auto y = difference(x);
    CHECK(y.extent(1) == x.extent(1) - 1);
    for (Index n = 0; n < y.extent(0); ++n)
      for (Index t = 0; t < y.extent(1); ++t)
        for (Index i = 0; i < y[n][t].size(); ++i)
          CHECK(y[n][t].data()[i] == x[n][t + 1].data()[i] - x[n][t].data()[i]);
  }
}

TEST_CASE("a difference's first and second gradients are exact") {
  Rng rng{2};
  const auto x = normal<double>({2, 5, 3}, rng);
  CHECK(gradient_error([](const auto& v) { return difference(v); }, x) < 1e-8);
  CHECK(second_gradient_error([](const auto& v) { return square(difference(v)); }, x) < 1e-7);
}

TEST_CASE("one frame has no difference, and the error says so") {
  CHECK_THROWS_WITH_AS(difference(Tensor<float>({2, 1, 4})), doctest::Contains("two frames"), Error);
}
// [/tests]

// [discriminators]
namespace {

using namespace nn;
constexpr Window half{.kernel = 4, .stride = 2, .padding = 1};

using Frames = Sequential<Conv3d<1, 8, Window{.kernel = {1, 4, 4}, .stride = {1, 2, 2}, .padding = {0, 1, 1}}>,
                          LeakyReLU<0.2>, Conv3d<8, 1, Window{.kernel = {1, 4, 4}}>>;
using Changes = Sequential<Motion, Conv3d<1, 8, half>, LeakyReLU<0.2>, Conv3d<8, 1, Window{.kernel = {1, 4, 4}}>>;
using Judge = Discriminators<Frames, Changes>;

}  // namespace
// [/discriminators]

TEST_CASE("one discriminator sees frames, the other what changes") {
  Rng rng{3};
  const Module<Judge, float> judge{Rng{4}};
  const auto [frames, changes] = judge(normal<float>({2, 5, 8, 8, 1}, rng));
  CHECK(frames.shape() == Shape{2, 5, 1, 1, 1});
  CHECK(changes.shape() == Shape{2, 2, 1, 1, 1});
}

// [model]
/// A flow that carries noise ε to clips x along straight lines, x_t = (1 − t) ε + t x for t from 0 to 1:
///
///     min  E ‖v(x_t, t) − (x − ε)‖²,        dx_t / dt = v(x_t, t)
///
/// Lipman et al., Flow matching for generative modeling, 2023.
///
/// @tparam Velocity  a network (N, …, C + 1) → (N, …, C), the last of its input's channels being t
template <class Velocity>
struct Flow {
  static_assert(nn::channels_match<Velocity::in, Velocity::out + 1>,
                "Flow: the network takes a channel more than it gives, for t");

  template <Real T, class B>
  struct Instance {
    Of<Velocity, T, B> velocity;

    explicit Instance(Rng& rng) : velocity(rng) {}
    static void fields(auto& self, auto&& field) { field("velocity", self.velocity); }

    /// v(x_t, t), for a t (N, 1, …, 1) of each clip.
    template <Value X, Value Y>
    X at(const X& x, const Y& t) const {
      return velocity(concat(-1, x, broadcast_to(t, x.shape().with_tail(1, {1}))));
    }

    /// What training minimises.
    template <Value X>
    X loss(const X& clips) const {
      Rng& rng = clips.tape().rng();
      const Tensor<T, B>& x = tensor_of(clips);                            // (N, …, C)
      const Tensor<T, B> noise = normal<T, B>(x.shape(), rng);             // (N, …, C)
      const Tensor<T, B> t = uniform<T, B>(one_per_clip(x.shape()), rng);  // (N, 1, …, 1)
      return loss::mse(at(clips.tape().constant((1 - t) * noise + t * x), t), x - noise);
    }

    /// Clips of a shape (N, …, C), by `steps` steps of Euler's method.
    Tensor<T, B> sample(const Shape& shape, Index steps, Rng& rng) const {
      Tensor<T, B> x = normal<T, B>(shape, rng);
      for (Index i = 0; i < steps; ++i) {
        const auto t = full<T, B>(one_per_clip(shape), static_cast<T>(i) / static_cast<T>(steps));
        x = x + at(x, t) * (1.0 / static_cast<double>(steps));
      }
      return x;
    }

   private:
    static Shape one_per_clip(const Shape& shape) {
      Shape ones = Shape::filled(shape.rank(), 1);
      ones[0] = shape[0];
      return ones;
    }
  };
};
// [/model]

TEST_CASE("the loss of a flow has an exact gradient, and training lowers it") {
  // [train]
  using Velocity = Sequential<Conv3d<4, 16, Window{.kernel = 3, .padding = 1}>, SiLU,
                              Conv3d<16, 3, Window{.kernel = 3, .padding = 1}>>;
  const MovingShapes clips({.frames = 4, .canvas = 8, .smallest = 0.3, .largest = 0.4});
  Module<Flow<Velocity>, float> flow{Rng{1}};
  Optimizer optimizer{optim::Adam{.learning_rate = 3e-3}, flow.parameters()};
  Rng rng{2};
  std::vector<double> losses;
  for (Index step = 0; step < 60; ++step) {
    const auto batch = batch_of(clips, 8 * step, 8);  // (N, T, H, W, C)
    losses.push_back(train_step(flow, optimizer, rng, [&](Tape& tape) { return flow->loss(tape.constant(batch)); }));
  }
  const auto made = flow->sample({2, 4, 8, 8, 3}, 20, rng);
  // [/train]
  CHECK(losses.back() < 0.8 * losses.front());
  CHECK(made.shape() == Shape{2, 4, 8, 8, 3});

  using Small = Conv3d<2, 1, Window{.kernel = 3, .padding = 1}>;
  Module<Flow<Small>, double> small{Rng{1}};
  const auto x = normal<double>({2, 2, 3, 3, 1}, rng);
  CHECK(parameter_gradient_error(small, [&](Tape& tape) { return small->loss(tape.constant(x)); }) < 1e-6);
}
