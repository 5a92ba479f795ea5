// SPDX-License-Identifier: MIT
#include <flipbook/models/state_space/rssm.hpp>
#include <flipbook/models/state_space/svg.hpp>
#include <flipbook/models/state_space/vrnn.hpp>

#include "follow.hpp"
#include "slope.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using SmallSvg = Svg<1, 8, 2, 4, 6, 3>;
using SmallFixed = SvgFixedPrior<1, 8, 2, 4, 6, 3>;
using SmallVrnn = Vrnn<1, 8, 2, 6, 3>;
using SmallRssm = Rssm<2, 1, 8, 2, 6, 3, 4, 1>;

template <class Net>
constexpr bool acts = Net::wiring.actions > 0;

/// Clips (2, T, 8, 8, 1), with actions and state where the model takes them.
template <class Net>
auto batch_of_step(int step, Index frames = 4) {
  const auto numbers = [&](const Shape& shape, int of) {
    return random<double>(shape, static_cast<std::uint64_t>(10 * step + of));
  };
  const auto clips = sigmoid(numbers({2, frames, 8, 8, 1}, 1));
  if constexpr (acts<Net>)
    return ClipWithActions<Tensor<double>>{clips, numbers({2, frames, 2}, 2), numbers({2, frames, 1}, 3)};
  else return clips;
}
/// As a model takes it.
template <class M, class Batch>
auto on(const M& model, const Batch& batch) {
  return map_members(batch, [&](const Tensor<double>& x) { return data_of(model, x); });
}

/// What a model says of clips, and how it goes on with them.
template <class Net, class B>
auto said(B) {
  Module<Net, double, B> model{Rng{1}};
  model->seen_frames = 2;
  const auto batch = on(model, batch_of_step<Net>(0));
  Rng rng{5};
  const auto bound = model->elbo(batch, rng);
  const auto imagined = [&] {
    if constexpr (acts<Net>) {
      const auto state = model->observe(batch.clip, batch.actions, rng);
      return model->imagine(state, slice(batch.actions, 1, 0, 3), rng);
    } else {
      return model->imagine(model->observe(batch, rng), 3, rng);
    }
  }();
  return std::tuple{to<Cpu>(bound), to<Cpu>(imagined.clips), to<Cpu>(imagined.features)};
}

template <class T, class Net>
void check_loss(double times) {
  const auto loss = [](const auto& model, Tape& tape) {
    return model->loss(map_members(on(model, batch_of_step<Net>(0)), [&](const auto& x) { return tape.constant(x); }));
  };
  check_gradient<T, Net>(loss, times);
}

}  // namespace

TEST_CASE_TEMPLATE("state-space models' losses and their gradients are the CPU's", Net, SmallSvg, SmallFixed, SmallVrnn,
                   SmallRssm) {
  check_loss<double, Net>(100);
  check_loss<float, Net>(10);
}

TEST_CASE_TEMPLATE("in short numbers they stay near the CPU's in double", T, bfloat16, flipbook::half) {
  check_loss<T, SmallVrnn>(4);
  check_loss<T, SmallSvg>(4);
}

TEST_CASE_TEMPLATE("what state-space models draw of z, and what they imagine, is the CPU's", Net, SmallSvg, SmallFixed,
                   SmallVrnn, SmallRssm) {
  CHECK(test::detail::apart(said<Net>(Cpu{}), said<Net>(Cuda{})) < 100 * device_tolerance<double>);
}

TEST_CASE_TEMPLATE("a state-space model's training follows the CPU's, in steps that are captured", Net, SmallSvg,
                   SmallVrnn, SmallRssm) {
  training_follows<Net>([](int step) { return batch_of_step<Net>(step); }, [](const auto&) {});
}
