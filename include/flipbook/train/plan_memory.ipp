// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/plan_memory.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE StepMemories::StepMemories(StepMemory small, StepMemory large)
    : small_(std::move(small)), large_(std::move(large)) {
  if (small_.moments.size() == large_.moments.size() && small_.layers.size() == large_.layers.size()) return;
  for (StepMemory* memory : {&small_, &large_}) *memory = {memory->clips, {memory->worst()}, {}};
}

FLIPBOOK_INLINE StepMemory StepMemories::of(Index clips) const {
  StepMemory memory{clips, small_.moments, small_.layers};
  const auto at = [&, share = share_of(clips)](double& small, double large) { small += share * (large - small); };
  for (std::size_t i = 0; i < memory.moments.size(); ++i) {
    Moment &moment = memory.moments[i], large = large_.moments[i];
    at(moment.peak, large.peak), at(moment.activations, large.activations), at(moment.gradients, large.gradients);
  }
  for (std::size_t i = 0; i < memory.layers.size(); ++i) at(memory.layers[i].kept, large_.layers[i].kept);
  return memory;
}

FLIPBOOK_INLINE std::vector<RecomputedLayers> recomputed_layers(const StepMemory& memory) {
  std::map<std::string, std::vector<const LayerRun*>> kinds;
  for (const LayerRun& run : memory.layers) kinds[run.type.substr(0, run.type.find('<'))].push_back(&run);
  std::vector<RecomputedLayers> found;
  for (const auto& [kind, runs] : kinds) {
    std::vector<double> peaks;
    peaks.reserve(memory.moments.size());
    for (const Moment& moment : memory.moments) peaks.push_back(moment.peak);
    std::set<std::string> names;
    std::size_t first = memory.moments.size();  // of the run before: what lies in it ended before it did
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
      if ((*run)->last >= first) continue;
      first = (*run)->first;
      names.insert((*run)->name);
      for (std::size_t i = (*run)->last + 1; i < (*run)->backward; ++i) peaks[i] -= (*run)->kept;
    }
    const std::string others = names.size() == 1 ? "" : text(" and ", names.size() - 1, " more");
    found.push_back({text(kind, " at ", *names.begin(), others), *std::ranges::max_element(peaks)});
  }
  return found;
}

FLIPBOOK_INLINE std::size_t bytes_from(double bytes) { return static_cast<std::size_t>(std::max(bytes, 0.0)); }

FLIPBOOK_INLINE void set_step(MemoryPlan& plan, const StepMemory& step) {
  const Moment& worst = step.worst();
  plan.gradients = bytes_from(worst.gradients);
  plan.activations = bytes_from(worst.activations);
  plan.workspace = bytes_from(worst.peak - worst.gradients - worst.activations);
}

}  // namespace detail

FLIPBOOK_INLINE std::string to_string(const MemoryPlan& plan) {
  std::string table;
  const auto line = [&](const std::string& what, std::size_t bytes) {
    std::array<char, 32> number;
    std::snprintf(number.data(), number.size(), "%10.1f MB  ", static_cast<double>(bytes) / 1e6);
    table += number.data() + what + '\n';
  };
  table += text("a step on ", plan.batch, plan.batch == 1 ? " clip:\n" : " clips:\n");
  line("parameters and buffers", plan.parameters);
  line("optimiser", plan.optimizer);
  line("clips", plan.clips);
  line("gradients of parameters", plan.gradients);
  line("activations", plan.activations);
  line("workspace", plan.workspace);
  line("in all", plan.total());
  if (!plan.alternatives.empty()) table += "in all, with:\n";
  for (const auto& [what, total] : plan.alternatives) line(what, total);
  return table;
}

}  // namespace flipbook
