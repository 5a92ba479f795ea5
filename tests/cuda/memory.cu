// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <vector>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recompute.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/plan_memory.hpp>

using namespace flipbook;

namespace {

template <bool recompute>
using Network = nn::Sequential<nn::Linear<1, 6>,
                               nn::RecomputeIf<recompute, nn::Residual<nn::Linear<6, 12>, nn::BatchNorm<12>, nn::SiLU,
                                                                       nn::Dropout<0.3>, nn::Linear<12, 6>>>,
                               nn::Linear<6, 1>>;

template <bool recompute>
struct Model {
  template <Real T, class B>
  struct Instance {
    Of<Network<recompute>, T, B> network;

    explicit Instance(Rng& rng) : network(rng) {}
    static void fields(auto& self, auto&& field) { field("network", self.network); }
    template <Value X>
    X loss(const X& x) const {
      return mean(square(network(x) - x));
    }
  };
};

template <bool recompute>
auto trainer_of() {
  return Trainer{Module<Model<recompute>, float, Cuda>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}};
}

/// Parameters and buffers after six steps.
template <bool recompute>
std::vector<float> trained(bool capture) {
  auto trainer = trainer_of<recompute>();
  Rng rng{2};
  for (int i = 0; i < 6; ++i) (void)trainer.step(uniform<float, Cuda>({4, 2, 8, 8, 1}, rng), {.capture = capture});
  CHECK(trainer.captured() == capture);
  std::vector<float> all = to_vector(trainer.model.parameters());
  for (const float number : to_vector(trainer.model.buffers())) all.push_back(number);
  return all;
}

}  // namespace

TEST_CASE("a recomputed layer trains to the bits of a kept one, captured or not") {
  const auto kept = trained<false>(false);
  CHECK(trained<true>(false) == kept);
  CHECK(trained<true>(true) == kept);
}

TEST_CASE("a plan of a device's memory is within a twentieth of what a step needs there") {
  for (const Index batch : {8, 16, 32}) {
    const std::size_t before = Cuda::memory().in_use;
    auto trainer = trainer_of<false>();
    Rng rng{3};
    const auto clips_of = [&](Index count) { return uniform<float, Cuda>({count, 4, 16, 16, 1}, rng); };
    const auto planned =
        detail::plan_memory(trainer, batch, 4 * 16 * 16 * sizeof(float), StepOptions{}, clips_of, 0).total();
    const auto clips = clips_of(batch);
    Cuda::reset_memory_peak();
    (void)trainer.step(clips);
    const auto needed = static_cast<double>(Cuda::memory().peak - before);
    CHECK(static_cast<double>(planned) == doctest::Approx(needed).epsilon(0.05));
  }
}
