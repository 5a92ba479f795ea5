// SPDX-License-Identifier: MIT
#include <flipbook/train/checkpoint.hpp>

#include <memory>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/optim/adam.hpp>

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

using Net = nn::Linear<2, 1>;

struct Run {
  Module<Net, float> model{Rng{1}};
  Optimizer<optim::Adam, float> optimizer{optim::Adam{}, model.parameters()};
  MovingAverage<float> average{0.9, model.parameters()};
  History history;
  Rng rng{2};
  Index step = 3;

  auto state() {
    return [this](auto&& visit) {
      visit("", model), visit("optimizer", optimizer), visit("average", average), visit("history", history);
      visit("rng", rng), visit("steps", detail::StepCount{step});
    };
  }
  /// All that a checkpoint may change.
  Bytes content() {
    Bytes all;
    const auto add = [&all](const auto& bytes) { all.insert(all.end(), bytes.begin(), bytes.end()); };
    add(as_bytes(model.parameters())), add(as_bytes(average.value()));
    optimizer.visit([&](const auto&, const auto& memory) { add(as_bytes(memory)); });
    add(text(rng.seed(), rng.stream(), rng.position(), step, optimizer.steps(), history.csv()));
    return all;
  }
};

// Like a file that is read again and again into a run that goes on.
template <class Load>
void read_into(const Load& load) {
  static auto run = std::make_unique<Run>();
  static const Bytes before = run->content();
  try {
    load(*run);
  } catch (const Error&) {
    must(run->content() == before, "a checkpoint that is refused changes nothing");
    throw;
  }
  run->history.add(run->step, {{"a", 1.0}, {"c", 2.0}});  // what was read is gone on with, and saved
  must(run->history.table().extent(1) == 1 + static_cast<Index>(run->history.names().size()), "each name has a column");
  run->content();
  run = std::make_unique<Run>();
}
void read_checkpoint(const Bytes& input) {
  read_into([&](Run& run) { load_checkpoint(file_of(input), run.state()); });
}
void read_weights(const Bytes& input) {
  read_into([&](Run& run) { load_weights(file_of(input), run.model); });
}

/// One with its checksum, and one without, of which changes are not found.
std::vector<Bytes> seeds() {
  Run run;
  run.history.add(1, {{"a", 0.5}, {"b", 1.5}});
  run.history.add(2, {{"a", 0.25}, {"b", 1.25}});
  const auto save = [&](const auto& path) { save_checkpoint(path, run.state()); };
  const auto without_checksum = [&](const auto& path) {
    save(path);
    SafetensorsFile file = read_safetensors(path);
    file.metadata.erase(detail::Checksum::entry);
    std::vector<NamedTensor> tensors;
    for (const auto& [name, tensor] : file.tensors) tensors.push_back(tensor);
    write_safetensors(path, tensors, file.metadata);
  };
  const auto weights = [&](const auto& path) { save_weights(path, run.model); };
  return {written(save), written(without_checksum), written(weights)};
}

const Registered checkpoint{
    {.name = "checkpoint", .read = read_checkpoint, .seeds = seeds, .longest = 2048, .megabytes = 1}};
const Registered weights{{.name = "weights", .read = read_weights, .seeds = seeds, .longest = 2048, .megabytes = 1}};

}  // namespace
