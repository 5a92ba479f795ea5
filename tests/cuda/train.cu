// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <filesystem>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/evaluating.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/rmsprop.hpp>
#include <flipbook/optim/sgd.hpp>
#include <flipbook/train/trainer.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;
using Half = flipbook::half;

namespace {

/// Parameters after a few steps of an optimiser against gradients that do not depend on them.
template <class T, class B, class Rule>
Tensor<T> stepped(const Rule& rule, Index size) {
  Rng rng{1};
  const Tensor<T> start = converted<T>(normal<double>({size}, rng));
  Tensor<T, B> parameters = to<B>(start).clone();
  Optimizer<Rule, T, B> optimizer(rule, parameters);
  for (int i = 0; i < 4; ++i) optimizer.step(parameters, to<B>(converted<T>(normal<double>({size}, rng))));
  return to<Cpu>(parameters);
}

using Net = nn::Sequential<nn::Linear<3, 5>, nn::Tanh, nn::BatchNorm<5>, nn::Linear<5, 2>>;

/// A regression on noise, so that a step draws random numbers.
struct Regression {
  template <Real T, class B>
  struct Instance {
    Of<Net, T, B> net;
    double weight = 1;
    explicit Instance(Rng& rng) : net(rng) {}
    static void fields(auto& self, auto&& field) {
      field("net", self.net);
      field("weight", self.weight);
    }
    template <Value X>
    auto loss(const X& x) const {
      const auto flat = reshape(x, {-1, 3});
      const auto noise = normal<T, B>({flat.extent(0), 2}, x.tape().rng());
      return affine(mean(square(net(flat) - noise)), weight, 0);
    }
  };
};

/// The same, with a loss that looks at a number on the device and draws one on the host.
struct Curious {
  template <Real T, class B>
  struct Instance : Regression::template Instance<T, B> {
    using Base = typename Regression::template Instance<T, B>;
    using Base::Base;
    template <Value X>
    auto loss(const X& x) const {
      const double scale = x.tape().rng().uniform(0.5, 1) + std::abs(static_cast<double>(sum(x).item()));
      return affine(Base::loss(x), scale, 0);
    }
  };
};

/// Learns labels from the clips that they come with.
struct Labelling {
  template <class V>
  using Batch = LabelledClip<V>;
  template <Real T, class B>
  struct Instance {
    Of<nn::Linear<3, 2>, T, B> net;
    explicit Instance(Rng& rng) : net(rng) {}
    static void fields(auto& self, auto&& field) { field("net", self.net); }
    template <Value X>
    X loss(const LabelledClip<X>& batch) const {
      return mean(square(mean(net(batch.clip), {1, 2, 3}) - batch.label));
    }
  };
};

struct LabelledShapes : MovingShapes {
  LabelledShapes() : MovingShapes({.frames = 2, .canvas = 8, .shapes = 1}) {}
  LabelledClip<> clip(Index i) const {
    const auto number = static_cast<float>(i);
    return {MovingShapes::clip(i), Tensor<float>(Shape{2}, {number, -number / 2})};
  }
};

/// An autoencoder of levels, judged by their probability and by the features of a frozen network.
struct Levelled {
  using Levels = likelihood::Categorical<4>::Levels;
  using Features = nn::Sequential<nn::Linear<3, 4>, nn::BatchNorm<4>, nn::Tanh>;
  template <Real T, class B>
  struct Instance {
    Of<nn::Sequential<nn::Linear<3, 2>, nn::Linear<2, 12>>, T, B> net;
    Of<Features, T, B> features;
    explicit Instance(Rng& rng) : net(rng), features(rng) {}
    static void fields(auto& self, auto&& field) {
      field("net", self.net);
      field("features", self.features);
    }
    template <Value X>
    auto loss(const X& x) const {
      const auto levels = sigmoid(reshape(x, {-1, 3}));
      const auto logits = net(levels);
      const auto apart = frozen(features)(Levels::mean(logits)) - frozen(features)(levels);
      return mean(square(apart)) - mean(Levels::log_prob(logits, levels));
    }
  };
};

template <class T, class B>
auto regression_trainer(std::uint64_t seed = 1) {
  return Trainer{Module<Regression, T, B>{Rng{seed}}, optim::Adam{.learning_rate = 1e-2}, 5};
}

Tensor<double> clips(Index step) { return random<double>({2, 1, 3, 2, 3}, static_cast<std::uint64_t>(step) + 10); }

}  // namespace

TEST_CASE_TEMPLATE("optimisers take the CPU's steps", T, float, double) {
  const auto same_for = [](const auto& rule) {
    using Rule = std::remove_cvref_t<decltype(rule)>;
    for (const Index size : {1, 4, 1003, 1024}) {
      CHECK(difference(stepped<T, Cuda, Rule>(rule, size), stepped<T, Cpu, Rule>(rule, size)) < 10 * tolerance<T>);
    }
  };
  same_for(optim::Sgd{.learning_rate = 0.1});
  same_for(optim::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
  same_for(optim::Adam{.learning_rate = 0.1, .weight_decay = 0.01});
  same_for(optim::AdamW{.learning_rate = 0.1});
  same_for(optim::RmsProp{.learning_rate = 0.1, .momentum = 0.9, .centered = true});
}

TEST_CASE_TEMPLATE("short parameters take steps that are smaller than they can hold", T, bfloat16, Half) {
  Tensor<T, Cuda> parameters = full<T, Cuda>({7}, T(1));
  Optimizer<optim::Sgd, T, Cuda> optimizer(optim::Sgd{.learning_rate = 1e-5}, parameters);
  for (int i = 0; i < 1000; ++i) optimizer.step(parameters, full<T, Cuda>({7}, T(1)));
  for (const T p : to_vector(parameters)) CHECK(static_cast<float>(p) == doctest::Approx(0.99).epsilon(0.004));
}

TEST_CASE("a step whose factor is not finite is left out") {
  Tensor<float, Cuda> parameters = full<float, Cuda>({7}, 1.0F);
  Optimizer<optim::Sgd, float, Cuda> optimizer(optim::Sgd{.learning_rate = 1}, parameters);
  const auto gradient = full<float, Cuda>({7}, 1.0F);
  optimizer.step(parameters, gradient, full<float, Cuda>({}, std::numeric_limits<float>::quiet_NaN()));
  CHECK(to_vector(parameters)[6] == 1);
  optimizer.step(parameters, gradient, full<float, Cuda>({}, 0.25F));
  CHECK(to_vector(parameters)[6] == 0.75F);
}

TEST_CASE("a network moves to the device and back") {
  const Module<Net, float> here{Rng{3}};
  const Module<Net, float, Cuda> there = to<Cuda>(here);
  CHECK(to_vector(there.parameters()) == to_vector(here.parameters()));
  CHECK(to_vector(there.buffers()) == to_vector(here.buffers()));
  CHECK(to_vector(to<Cpu>(there).parameters()) == to_vector(here.parameters()));
  const Tensor<float> x = random<float>({4, 3});
  CHECK(difference(to<Cpu>(there(to<Cuda>(x))), here(x)) < 1e-5);
}

TEST_CASE("a model's settings move with it") {
  Module<Regression, float> here;
  here->weight = 0.25;
  auto there = to<Cuda>(here);
  CHECK(there->weight == 0.25);
  there->weight = 3;
  CHECK(to<Cpu>(there)->weight == 3);
}

TEST_CASE("training follows the CPU's, captured and as it is written") {
  auto here = regression_trainer<double, Cpu>();
  auto captured = regression_trainer<double, Cuda>(), written = regression_trainer<double, Cuda>();
  for (Index step = 0; step < 10; ++step) {
    here.step(clips(step), {.clip_norm = 0.5});
    const double expected = here.history().rows().back().values[0];
    captured.step(to<Cuda>(clips(step)), {.clip_norm = 0.5});
    written.step(to<Cuda>(clips(step)), {.clip_norm = 0.5, .capture = false});
    CHECK(captured.history().rows().back().values[0] == doctest::Approx(expected).epsilon(1e-10));
    CHECK(written.history().rows().back().values[0] == captured.history().rows().back().values[0]);
    for (auto* weight : {&here.model->weight, &captured.model->weight, &written.model->weight}) {
      if (step == 5) *weight = 0.5;  // captured anew
    }
    if (step == 3) here.set_learning_rate(2e-2), captured.set_learning_rate(2e-2), written.set_learning_rate(2e-2);
  }
  CHECK(difference(to<Cpu>(captured.model.parameters()), here.model.parameters()) < 1e-10);
  CHECK(to_vector(captured.model.parameters()) == to_vector(written.model.parameters()));
  CHECK(to_vector(captured.model.buffers()) == to_vector(written.model.buffers()));
  CHECK(captured.rng() == written.rng());
  CHECK(captured.captured());
  CHECK_FALSE(written.captured());
}

TEST_CASE("a step over levels, with a frozen network in its loss, is captured and follows the CPU's") {
  auto here = Trainer{Module<Levelled, double>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 5};
  auto there = Trainer{Module<Levelled, double, Cuda>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 5};
  const auto features = here.model.part(here.model->features).clone(), buffers = here.model.buffers().clone();
  for (Index step = 0; step < 5; ++step) {
    here.step(clips(step));
    there.step(to<Cuda>(clips(step)));
  }
  CHECK(there.captured());
  CHECK(difference(to<Cpu>(there.model.parameters()), here.model.parameters()) < 1e-10);
  CHECK(same(to<Cpu>(there.model.part(there.model->features)), features));
  CHECK(same(to<Cpu>(there.model.buffers()), buffers));
}

TEST_CASE("a step that cannot be captured is taken as it is written") {
  auto here = Trainer{Module<Curious, double>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 5};
  auto there = Trainer{Module<Curious, double, Cuda>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 5};
  for (Index step = 0; step < 5; ++step) {
    here.step(clips(step));
    there.step(to<Cuda>(clips(step)));
  }
  CHECK_FALSE(there.captured());
  const double expected = here.history().rows().back().values[0];
  CHECK(there.history().rows().back().values[0] == doctest::Approx(expected).epsilon(1e-10));
  CHECK(there.rng() == here.rng());
}

TEST_CASE("micro-batches and groups of parameters follow the CPU's, captured and as they are written") {
  auto here = regression_trainer<double, Cpu>();
  auto captured = regression_trainer<double, Cuda>(), written = regression_trainer<double, Cuda>();
  const auto group = [](auto& trainer, double factor) {
    trainer.set_group(is_vector, {.rate_factor = factor, .weight_decay = 0.1});
    trainer.set_group("net.0.*", {.rate_factor = 0});
  };
  for (Index step = 0; step < 10; ++step) {
    if (step % 5 == 0)
      group(here, 0.1 + double(step)), group(captured, 0.1 + double(step)), group(written, 0.1 + double(step));
    here.step(clips(step), {.micro_batches = 2});
    captured.step(to<Cuda>(clips(step)), {.micro_batches = 2});
    written.step(to<Cuda>(clips(step)), {.micro_batches = 2, .capture = false});
    CHECK(captured.history().rows().back().values[0] ==
          doctest::Approx(here.history().rows().back().values[0]).epsilon(1e-10));
  }
  CHECK(difference(to<Cpu>(captured.model.parameters()), here.model.parameters()) < 1e-10);
  CHECK(to_vector(captured.model.parameters()) == to_vector(written.model.parameters()));
  CHECK(to_vector(captured.model.buffers()) == to_vector(written.model.buffers()));
  CHECK(captured.captured());

  const auto buffers = to_vector(captured.model.buffers());
  Tensor<double> batch = clips(11).clone();
  batch.data()[batch.size() - 1] = NAN;  // of the second part
  const std::string message = error_of([&] { captured.step(to<Cuda>(batch), {.micro_batches = 2}); });
  CHECK(message.find("clip 1 of the batch is not finite") != std::string::npos);
  CHECK(to_vector(captured.model.buffers()) == buffers);
  const StepReport report =
      monitored(captured.model, [&] { return captured.step(to<Cuda>(clips(12)), {.capture = false}); });
  CHECK(report.whole.gradient > 0);
  CHECK(report.activations.size() > 3);
}

TEST_CASE("a captured step that is not finite leaves the model as it was") {
  auto trainer = regression_trainer<float, Cuda>();
  for (Index step = 0; step < 5; ++step) trainer.step(to<Cuda>(converted<float>(clips(step))));
  const auto parameters = to_vector(trainer.model.parameters()), buffers = to_vector(trainer.model.buffers());
  const auto nan = full<float, Cuda>({2, 1, 3, 2, 3}, std::numeric_limits<float>::quiet_NaN());
  CHECK(error_of([&] { trainer.step(nan); }).find("training: the loss is nan after 5 steps") == 0);
  CHECK(to_vector(trainer.model.parameters()) == parameters);
  CHECK(to_vector(trainer.model.buffers()) == buffers);
  trainer.step(to<Cuda>(converted<float>(clips(6))));
  CHECK(trainer.steps() == 6);
}

TEST_CASE("a step whose gradient or buffers are not finite leaves all of it as it was, captured or not") {
  for (const bool capture : {false, true}) {
    auto trainer = regression_trainer<float, Cuda>();
    const auto step = [&] { trainer.step(to<Cuda>(converted<float>(clips(0))), {.capture = capture}); };
    const auto write = [](Tensor<float, Cuda> x, float value) {
      Cuda::copy(x.data(), full<float>(x.shape(), value).data(), static_cast<std::size_t>(x.size()) * sizeof(float));
    };
    const auto state = [&] {
      std::vector<std::vector<float>> all{to_vector(trainer.model.parameters()), to_vector(trainer.model.buffers())};
      trainer.training().visit_optimizers([&](const auto&, auto& optimizer) {
        optimizer.visit([&](const auto&, const auto& memory) { all.push_back(to_vector(memory)); });
        all.push_back({static_cast<float>(optimizer.steps())});
      });
      return all;
    };
    for (int i = 0; i < 4; ++i) step();
    CHECK(trainer.captured() == capture);

    write(trainer.model.buffers(), std::numeric_limits<float>::infinity());  // which no batch takes away
    const auto before = state();
    CHECK(error_of(step).find("training: a buffer") == 0);
    CHECK(state() == before);

    write(trainer.model.buffers(), 1);
    const Index parameters = trainer.model.parameters().size();
    write(trainer.model.parameters().slice(parameters - 12, parameters), 1e18F);  // the last layer
    const auto steep = state();
    CHECK(error_of(step).find("training: the gradient is not finite after 4 steps") == 0);
    CHECK(state() == steep);
  }
}

TEST_CASE_TEMPLATE("short networks learn too", T, bfloat16, Half) {
  auto trainer = regression_trainer<T, Cuda>();
  auto here = regression_trainer<float, Cpu>();
  for (Index step = 0; step < 12; ++step) {
    trainer.step(to<Cuda>(converted<T>(clips(0))));
    here.step(converted<float>(clips(0)));
  }
  CHECK(trainer.history().rows().back().values[0] ==
        doctest::Approx(here.history().rows().back().values[0]).epsilon(0.1));
}

TEST_CASE("a step in half whose gradient overflows changes nothing and does not count") {
  for (const bool capture : {false, true}) {
    auto trainer = regression_trainer<Half, Cuda>();
    const auto step = [&] { trainer.step(to<Cuda>(converted<Half>(clips(0))), {.capture = capture}); };
    const auto scale_losses = [&](float by) {
      const std::array<float, 2> scale{by, 0};
      trainer.training().visit_optimizers([&](const auto&, auto& optimizer) {
        Cuda::copy(const_cast<float*>(optimizer.loss_scale().data()), scale.data(), sizeof scale);
      });
    };
    for (int i = 0; i < 4; ++i) step();
    CHECK(trainer.captured() == capture);
    const auto bits = [](const Tensor<Half, Cuda>& x) {
      std::vector<std::uint16_t> words;
      for (const Half number : to_vector(x)) words.push_back(number.bits);
      return words;
    };
    const auto steps = [&] {
      Index taken = 0;
      trainer.training().visit_optimizers([&](const auto&, auto& optimizer) { taken = optimizer.steps(); });
      return taken;
    };
    const auto parameters = bits(trainer.model.parameters()), buffers = bits(trainer.model.buffers());
    CHECK(steps() == 4);
    scale_losses(1e30F);
    step();
    CHECK(steps() == 4);
    CHECK(bits(trainer.model.parameters()) == parameters);
    CHECK(bits(trainer.model.buffers()) == buffers);
    scale_losses(16);
    step();
    CHECK(bits(trainer.model.parameters()) != parameters);
    CHECK(bits(trainer.model.buffers()) != buffers);
    CHECK(steps() == 5);
  }
}

TEST_CASE("checkpoints pass between backends to the same bits") {
  const auto path = std::filesystem::temp_directory_path() / "flipbook_cuda_train.safetensors";
  auto first = regression_trainer<float, Cuda>();
  for (Index step = 0; step < 4; ++step) first.step(to<Cuda>(converted<float>(clips(step))));
  first.save(path);
  auto second = regression_trainer<float, Cuda>(9);
  second.resume(path);
  auto here = regression_trainer<float, Cpu>(9);
  here.resume(path);
  CHECK(to_vector(here.model.parameters()) == to_vector(first.model.parameters()));
  for (Index step = 4; step < 9; ++step) {
    for (auto* trainer : {&first, &second}) trainer->step(to<Cuda>(converted<float>(clips(step))));
    here.step(converted<float>(clips(step)));
  }
  CHECK(to_vector(second.model.parameters()) == to_vector(first.model.parameters()));
  CHECK(difference(to<Cpu>(first.model.parameters()), here.model.parameters()) < 1e-4);
  std::filesystem::remove(path);
}

TEST_CASE("fitting to a source goes through the CPU's batches, also where the device makes them") {
  const auto fit = [](const auto& source) {
    auto here = regression_trainer<double, Cpu>();
    auto there = regression_trainer<double, Cuda>();
    here.fit(source, {.steps = 8, .batch = 2, .title = ""});
    there.fit(source, {.steps = 8, .batch = 2, .title = ""});
    for (std::size_t i = 0; i < 8; ++i) {
      const double expected = here.history().rows()[i].values[0];
      CHECK(there.history().rows()[i].values[0] == doctest::Approx(expected).epsilon(1e-10));
    }
  };
  fit(MovingShapes({.frames = 2, .canvas = 8, .shapes = 1}));
  fit(MovingSprites(random<float>({3, 4, 4}), {.frames = 2, .canvas = 9}));
}

TEST_CASE("what is beside the clips goes to the device with them, through captured steps too") {
  const auto trainer = []<class B>(B) {
    return Trainer{Module<Labelling, float, B>{Rng{1}}, optim::Adam{.learning_rate = 0.01}, 4};
  };
  const LabelledShapes source;
  auto here = trainer(Cpu{});
  auto there = trainer(Cuda{});
  here.fit(source, {.steps = 8, .batch = 2, .title = ""});
  there.fit(source, {.steps = 8, .batch = 2, .title = ""});
  CHECK(there.captured());
  CHECK(difference(to<Cpu>(there.model.parameters()), here.model.parameters()) < 1e-4);
}

TEST_CASE("the guide's training on a device") {
  namespace fb = flipbook;
  using Model = Regression;
  const MovingShapes clips({.frames = 2, .canvas = 8, .shapes = 1});
  // [device]
  fb::cuda::select(0);  // the first device, as it is without this
  fb::Trainer trainer{fb::Module<Model, float, fb::Cuda>{fb::Rng{1}}, fb::optim::Adam{.learning_rate = 1e-3}};
  trainer.fit(clips, {.steps = 6, .batch = 2, .title = ""});

  const fb::Module<Model, float> here = fb::to<fb::Cpu>(trainer.model);  // the same network, on the host
  const fb::Tensor<float> parameters = fb::to<fb::Cpu>(trainer.model.parameters());
  // [/device]
  CHECK(to_vector(here.parameters()) == to_vector(parameters));
}
