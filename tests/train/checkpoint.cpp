// SPDX-License-Identifier: MIT
#include <flipbook/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/sgd.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using Net = nn::Sequential<nn::Linear<3, 5>, nn::Linear<5, 1>>;

// A small run: everything that changes from step to step.
template <class T, class Rule = optim::Adam>
struct Run {
  Module<Net, T> model;
  Optimizer<Rule, T> optimizer{Rule{.learning_rate = 1e-2}, model.parameters()};
  MovingAverage<T> average{0.9, model.parameters()};
  History history;
  Rng rng;
  Index step = 0;

  explicit Run(std::uint64_t seed) : model{Rng{seed}}, rng{seed + 1} {}

  auto state() {
    return [this](auto&& visit) {
      visit("", model);
      visit("optimizer", optimizer);
      visit("average", average);
      visit("history", history);
      visit("rng", rng);
      visit("step", step);
    };
  }
  void train(Index steps) {
    for (const Index end = step + steps; step < end; ++step) {
      Tape tape{model, rng.split()};
      const auto loss = mean(square(model(tape.constant(normal<T>({4, 3}, rng))) - T(1)));
      optimizer.step(model.parameters(), tape.gradient(loss, model));
      average.update(model.parameters());
      history.add(step, {{"loss", static_cast<double>(loss.item())}});
    }
  }
  bool same_as(const Run& other) const {
    return to_vector(model.parameters()) == to_vector(other.model.parameters()) && step == other.step &&
           to_vector(average.value()) == to_vector(other.average.value()) && rng == other.rng &&
           history.csv() == other.history.csv() && optimizer.steps() == other.optimizer.steps();
  }
};

std::filesystem::path saved(const Folder& folder, Run<float>& run) {
  save_checkpoint(folder / "run.safetensors", run.state());
  return folder / "run.safetensors";
}

}  // namespace

TEST_CASE_TEMPLATE("a run that is resumed goes on to the same bits as one that was never stopped", T, float, double) {
  Folder folder;
  Run<T> whole{1}, stopped{1}, resumed{99};
  whole.train(7);
  stopped.train(3);
  save_checkpoint(folder / "run.safetensors", stopped.state());
  load_checkpoint(folder / "run.safetensors", resumed.state());
  CHECK(resumed.same_as(stopped));
  resumed.train(4);
  CHECK(resumed.same_as(whole));
  CHECK(!whole.same_as(stopped));
}

TEST_CASE("a run that has not begun is kept too") {
  Folder folder;
  Run<float> fresh{1}, loaded{2};
  load_checkpoint(saved(folder, fresh), loaded.state());
  CHECK(loaded.same_as(fresh));
}

TEST_CASE("weights alone load from a checkpoint") {
  Folder folder;
  Run<float> run{1};
  run.train(2);
  Module<Net, float> module{Rng{5}};
  load_weights(saved(folder, run), module);
  CHECK(to_vector(module.parameters()) == to_vector(run.model.parameters()));
}

TEST_CASE("a checkpoint takes the place of the one before, and a failed one leaves it") {
  Folder folder;
  Run<float> run{1}, loaded{2};
  saved(folder, run);
  run.train(1);
  const auto path = saved(folder, run);
  CHECK(folder.entries() == 1);
  CHECK_THROWS_AS(save_checkpoint(path, [&](auto&& visit) { visit("rng", run.rng), visit("rng", run.step); }), Error);
  CHECK(folder.entries() == 1);
  load_checkpoint(path, loaded.state());
  CHECK(loaded.same_as(run));
}

TEST_CASE("a checkpoint of other parts is refused by their names, and changes nothing") {
  Folder folder;
  Run<float> run{1};
  run.train(2);
  const auto path = saved(folder, run);

  Run<float, optim::Sgd> other{3}, untouched{3};
  std::string message = error_of([&] { load_checkpoint(path, other.state()); });
  mentions(message, "'training/optimizer/exp_avg' is not expected");
  CHECK(other.same_as(untouched));

  message =
      error_of([&] { load_checkpoint(path, [&](auto&& visit) { other.state()(visit), visit("epoch", other.step); }); });
  mentions(message, "'epoch' is missing among its metadata");
  save_weights(path, run.model);
  message = error_of([&] { load_checkpoint(path, run.state()); });
  for (const char* part : {"'training/average' is missing", "'rng' is missing", "'step' is missing"})
    mentions(message, part);
}

TEST_CASE("metadata that is not what was written is refused") {
  Folder folder;
  const auto path = folder / "x.safetensors";
  Rng rng{1};
  std::uint8_t small = 0;
  for (const char* text : {"", "1 2", "1 2 3 4", "1 2 x", " 1 2 3", "1  2 3", "-1 2 3", "1 2 99999999999999999999"}) {
    write_safetensors(path, {}, {{"rng", text}});
    CAPTURE(text);
    CHECK_THROWS_AS(load_checkpoint(path, [&](auto&& visit) { visit("rng", rng); }), Error);
  }
  write_safetensors(path, {}, {{"small", "256"}});
  CHECK_THROWS_AS(load_checkpoint(path, [&](auto&& visit) { visit("small", small); }), Error);
  CHECK(rng == Rng{1});
  write_safetensors(path, {}, {{"rng", "1 2 18446744073709551615"}, {"small", "255"}});
  load_checkpoint(path, [&](auto&& visit) { visit("rng", rng), visit("small", small); });
  CHECK(rng == Rng::at(1, 2, std::numeric_limits<std::uint64_t>::max()));
  CHECK(small == 255);
}

TEST_CASE("numbers of steps that no run can have are refused, and nothing has been changed") {
  Folder folder;
  Run<float> run{1};
  run.train(2);
  const auto path = saved(folder, run);
  const SafetensorsFile good = read_safetensors(path);
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : good.tensors) tensors.push_back(tensor);
  for (const char* steps : {"-5", "9223372036854775807", "9007199254740993"}) {
    auto metadata = good.metadata;
    metadata.erase("flipbook.checksum");
    metadata["optimizer"] = steps;
    write_safetensors(path, tensors, metadata);
    Run<float> into{2};
    const Run<float> untouched{2};
    mentions(error_of([&] { load_checkpoint(path, into.state()); }), std::string("'optimizer' is ") + steps);
    CHECK(into.same_as(untouched));
    Index count = 0;
    const auto state = [&](auto&& visit) { visit("optimizer", detail::StepCount{count}); };
    write_safetensors(path, {}, metadata);
    mentions(error_of([&] { load_checkpoint(path, state); }), std::string("'optimizer' is ") + steps);
    CHECK(count == 0);
  }
}

TEST_CASE("a checkpoint of another scalar is refused, and weights of another one convert") {
  Folder folder;
  Run<float> run{1};
  run.train(1);
  const auto path = saved(folder, run);
  Run<double> other{3};
  const std::string message = error_of([&] { load_checkpoint(path, other.state()); });
  mentions(message, "'0.weight' is of F32, needed is F64");
  CHECK(other.same_as(Run<double>{3}));
  load_weights(path, other.model);
  CHECK(other.model.parameters().data()[3] == static_cast<double>(run.model.parameters().data()[3]));
}

TEST_CASE("a bit that has flipped is found, wherever it is, and by whatever reads the weights") {
  Folder folder;
  Run<float> run{1};
  run.train(2);
  const Bytes bytes = read_file(saved(folder, run));
  Rng rng{3};
  for (int i = 0; i < 200; ++i) {
    Bytes damaged = bytes;
    const auto at = static_cast<std::size_t>(rng.below(static_cast<Index>(bytes.size())));
    damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ 1 << rng.below(8));
    const auto path = with_bytes(folder / "damaged.safetensors", damaged);
    Run<float> into{2};
    Module<Net, float> weights{Rng{5}};
    CAPTURE(at);
    try {
      load_checkpoint(path, into.state());
      CHECK(into.same_as(run));  // it was the checksum's name, or a space
    } catch (const Error&) {
    }
    if (at + 400 > bytes.size()) CHECK_THROWS_AS(load_weights(path, weights), Error);
  }
}

TEST_CASE("a truncated checkpoint is refused, a damaged one is refused or read, neither half") {
  Folder folder;
  Run<float> run{1};
  run.train(1);
  const auto path = saved(folder, run);
  const auto load = [](const std::filesystem::path& file) {
    Run<float> into{2};
    const Run<float> untouched{2};
    try {
      load_checkpoint(file, into.state());
    } catch (const Error&) {
      CHECK(into.same_as(untouched));
      throw;
    }
  };
  check_prefixes_refused(path, load, 50);
  check_survives_damage(path, load, 100);
  check_no_file_refused(load);
}
