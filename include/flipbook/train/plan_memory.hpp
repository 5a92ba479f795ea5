// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <flipbook/train/step_memory.hpp>
#include <flipbook/train/trainer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The memory of a backend that training needs at the peak of a step, in bytes by kind.
struct MemoryPlan {
  /// A change that would lower the memory, and the result.
  struct Alternative {
    std::string what;
    std::size_t total;
  };

  Index batch = 0;              ///< clips in a step
  std::size_t parameters = 0;   ///< including buffers
  std::size_t optimizer = 0;    ///< state of the rules, and the moving average if there is one
  std::size_t clips = 0;        ///< the batch, and batches prepared ahead
  std::size_t gradients = 0;    ///< of parameters
  std::size_t activations = 0;  ///< saved by tapes for the gradient
  std::size_t workspace = 0;    ///< of kernels, gradients of activations, copies for undoing a failed step
  std::vector<Alternative> alternatives{};

  std::size_t total() const { return parameters + optimizer + clips + gradients + activations + workspace; }
};

namespace detail {

/// Memory measurements of steps on two batches, and the estimate for all others.
class StepMemories {
 public:
  StepMemories(StepMemory small, StepMemory large);

  /// The memory of a step on `clips` clips.
  StepMemory of(Index clips) const;

 private:
  double share_of(Index clips) const {
    if (small_.clips == large_.clips) return 0;
    return static_cast<double>(clips - small_.clips) / static_cast<double>(large_.clips - small_.clips);
  }

  StepMemory small_, large_;
};

/// All layers of one type, whatever their arguments, and the peak of a step if each of them is recomputed.
struct RecomputedLayers {
  std::string name;
  double peak;
};
FLIPBOOK_INLINE std::vector<RecomputedLayers> recomputed_layers(const StepMemory& memory);

FLIPBOOK_INLINE std::size_t bytes_from(double bytes);

FLIPBOOK_INLINE void set_step(MemoryPlan& plan, const StepMemory& step);

/// @param half  a step on half as many clips
template <class T, class B>
void set_alternatives(MemoryPlan& plan, const StepMemory& step, const StepMemory& half) {
  const std::size_t total = plan.total(), peak = bytes_from(step.worst().peak);
  auto& found = plan.alternatives;
  for (const RecomputedLayers& layers : recomputed_layers(step)) {
    found.push_back({"Recompute of " + layers.name, total - peak + bytes_from(layers.peak)});
  }
  std::ranges::sort(found, {}, &MemoryPlan::Alternative::total);
  std::erase_if(found, [&](const auto& alternative) { return alternative.total > total - total / 20; });
  if (found.size() > 3) found.resize(3);
  if (plan.batch > 1) {
    found.push_back({text("a batch of ", half.clips), total - plan.clips / 2 - peak + bytes_from(half.worst().peak)});
  }
  if constexpr (std::same_as<T, float> && !std::same_as<B, Cpu>) {  // rules would then keep the parameters in float too
    const std::size_t halved = plan.gradients + plan.activations + plan.workspace;
    found.push_back({"bfloat16 in place of float, about", total - halved / 2 + plan.parameters / 2});
  }
}

FLIPBOOK_TEMPLATE(void set_alternatives<float, Cpu>(MemoryPlan&, const StepMemory&, const StepMemory&));

/// Trial steps that measure memory, on copies of a trainer's model and training.
template <class Net, Real T, class B, class Rule>
class StepTrial {
 public:
  explicit StepTrial(const Trainer<Net, T, B, Rule>& trainer) : model_(trainer.model), training_(trainer.training()) {
    training_.visit_optimizers([&](const std::string&, auto& optimizer) {
      steps_.push_back(optimizer.steps());
      optimizer.visit([&](const auto&, const auto& memory) { optimizer_bytes_ += bytes_of(memory); });
    });
  }

  std::size_t model_bytes() const { return bytes_of(model_.parameters()) + bytes_of(model_.buffers()); }
  std::size_t optimizer_bytes() const { return optimizer_bytes_; }

  /// Advances to the next kind of step among the next few of the training; false if there are no more.
  bool next_kind() {
    for (; ahead_ < 16; ++ahead_) {
      begin();
      if constexpr (requires { training_.variant(); }) {
        const Index kind = training_.variant();
        if (std::find(kinds_.begin(), kinds_.end(), kind) != kinds_.end()) continue;
        kinds_.push_back(kind);
        return true;
      } else {
        return std::exchange(ahead_, 16) == 0;
      }
    }
    return false;
  }
  /// The memory of a step of this kind.
  template <class Batch>
  StepMemory memory(const Batch& clips, const StepOptions& how) {
    begin();
    Rng rng;
    StepMemoryRecorder<T, B> recorder(model_);
    (void)training_.step(model_, clips, rng, how);
    return recorder.taken(clip_of(clips).extent(0));
  }

 private:
  template <class U>
  static std::size_t bytes_of(const Tensor<U, B>& x) {
    return static_cast<std::size_t>(x.size()) * sizeof(U);
  }
  void begin() {
    auto before = steps_.begin();
    training_.visit_optimizers([&](const std::string&, auto& optimizer) { optimizer.resume(*before++ + ahead_); });
  }

  const Module<Net, T, B> model_;
  std::remove_cvref_t<decltype(std::declval<const Trainer<Net, T, B, Rule>&>().training())> training_;
  std::vector<Index> steps_, kinds_;
  std::size_t optimizer_bytes_ = 0;
  Index ahead_ = 0;
};

/// @param clips_of     called as clips_of(count): returns `count` clips of the kind that the model is trained on
/// @param taken_whole  bytes up to which a step is measured on all clips: kernels' workspace grows with the clips up to
///                     a bound, which matters for small steps
template <class Net, Real T, class B, class Rule, class ClipsOf>
MemoryPlan plan_memory(const Trainer<Net, T, B, Rule>& trainer, Index batch, std::size_t clip_bytes,
                       const StepOptions& how, const ClipsOf& clips_of,
                       std::size_t taken_whole = std::size_t{1} << 30) {
  require(batch > 0, "plan_memory: a batch of ", batch, " clips");
  // A quarter and half of the batch: pools round blocks to sizes that double with their bytes, so their overhead is
  // proportional to the clips. A small batch is measured whole.
  const Index small = std::max<Index>(batch < 8 ? batch / 2 : batch / 4, 1), large = batch < 8 ? batch : 2 * small;
  StepTrial<Net, T, B, Rule> trial(trainer);
  const std::size_t average = trainer.keeps_average() ? trial.model_bytes() : 0;
  MemoryPlan plan;
  while (trial.next_kind()) {
    StepMemories memories(trial.memory(clips_of(small), how), trial.memory(clips_of(large), how));
    MemoryPlan of_kind{.batch = batch,
                       .parameters = trial.model_bytes(),
                       .optimizer = trial.optimizer_bytes() + average,
                       .clips = static_cast<std::size_t>(batch) * clip_bytes};
    set_step(of_kind, memories.of(batch));
    if (of_kind.total() < taken_whole && batch > large) {
      memories = {trial.memory(clips_of(large), how), trial.memory(clips_of(batch), how)};
      set_step(of_kind, memories.of(batch));
    }
    if (of_kind.total() <= plan.total()) continue;
    set_alternatives<T, B>(of_kind, memories.of(batch), memories.of(batch / 2));
    plan = of_kind;
  }
  return plan;
}

}  // namespace detail

/// The memory of the model's backend that training by `fit(source, options)` will need at the peak of a step, and
/// changes that would lower it. It is found by two steps on a quarter and half of the batch, since the memory of a step
/// is affine in its clips; if that gives less than 1 GB, by one step on the whole batch. Steps use copies and change
/// neither the trainer nor the source, so the model and the optimiser are in memory twice meanwhile. If a training has
/// several kinds of steps, such as a GAN whose generator learns every other step, the result is that of the largest. On
/// Cuda, it excludes the memory of the driver and libraries.
///
///     std::cout << fb::plan_memory(trainer, clips, {.batch = 64});
///
/// @throws Error  what the source or a step throws, such as if even the smaller batch does not fit into memory
template <class Net, Real T, class B, class Rule, DatasetFor<Net> Source>
MemoryPlan plan_memory(const Trainer<Net, T, B, Rule>& trainer, const Source& source, const FitOptions& options) {
  const auto clips_of = [&](Index count) {
    return map_members(batch_of(source, 0, count), [](const Tensor<float>& x) { return to<B>(cast<T>(x)); });
  };
  std::size_t numbers = 0;  // in a clip
  const auto one = batch_of(source, 0, 1);
  for_each_member(one, [&](std::string_view, const auto& x) { numbers += static_cast<std::size_t>(x.size()); });
  // The batch of the step and, on the host, those prepared ahead; on a device, the next batch and the input of a
  // captured step.
  const Index ahead = DataLoaderOptions{.workers = options.workers}.batches_ahead();
  const std::size_t in_float = std::same_as<B, Cpu> ? 1 + static_cast<std::size_t>(ahead) : 2;
  const std::size_t in_own = (std::same_as<T, float> ? 0 : 1) + (std::same_as<B, Cpu> ? 0 : 1);
  const std::size_t clip_bytes = numbers * (in_float * sizeof(float) + in_own * sizeof(T));
  return detail::plan_memory(trainer, options.batch, clip_bytes, options.step, clips_of);
}

/// The same for `step(clips)` on clips of this shape (N, …, C).
template <class Net, Real T, class B, class Rule>
MemoryPlan plan_memory(const Trainer<Net, T, B, Rule>& trainer, const Shape& clips, const StepOptions& how = {}) {
  static_assert(std::same_as<BatchOf<Net, Tensor<T, B>>, Tensor<T, B>>,
                "plan_memory: the model is trained on more than clips; give a data set in place of a shape");
  const auto clips_of = [&](Index count) {
    Rng rng;
    Shape shape = clips;
    shape[0] = count;
    return uniform<T, B>(shape, rng);
  };
  require(clips.size() > 0, "plan_memory: clips of shape ", clips);
  const auto numbers = static_cast<std::size_t>(clips.size() / clips[0]);
  return detail::plan_memory(trainer, clips[0], numbers * sizeof(T), how, clips_of);
}

/// A table of the kinds, then of changes that would lower the total, in MB (10^6 bytes).
FLIPBOOK_INLINE std::string to_string(const MemoryPlan& plan);

template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const MemoryPlan& plan) {
  return out << to_string(plan);
}

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/plan_memory.ipp>
#endif
