// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/nn/summary.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// Memory between one node of a tape and the next, in bytes beyond what was in use before the step.
struct Moment {
  double peak = 0;         ///< largest use
  double activations = 0;  ///< in use at the beginning, except the gradients below
  double gradients = 0;    ///< of parameters, at the beginning
};

/// An execution of a layer in a step, and the memory of its activations until their gradient is computed.
struct LayerRun {
  std::string name, type;
  std::size_t first, last;  ///< moments of the run
  std::size_t backward;     ///< the moment in which the gradient reaches it
  double kept;              ///< bytes, except its output
};

/// The memory of a step on `clips` clips, moment by moment. Steps of one kind on other batches have the same moments,
/// and the memory of each is affine in the clips, so two steps determine all others.
struct StepMemory {
  Index clips = 0;
  std::vector<Moment> moments{};
  std::vector<LayerRun> layers{};

  const Moment& worst() const { return *std::ranges::max_element(moments, {}, &Moment::peak); }
};

/// Records the memory of a step on the calling thread, in the pool of a backend. Allocations of other threads in the
/// meantime are counted too.
template <class T, class B>
class StepMemoryRecorder final : public Observer, public nn::detail::LayerObserver {
 public:
  /// @param module  its layers are named in the record
  template <class M>
  explicit StepMemoryRecorder(const M& module) {
    for_each_layer(module, [&]<class Layer>(const std::string& path, const Layer& layer) {
      known_.try_emplace({&layer, &nn::detail::type_tag<Layer>}, path, layer_type<Layer>());
    });
    nn::detail::LayerObserver::running = this;
    B::reset_memory_peak();
    before_ = static_cast<double>(B::memory().in_use);
  }
  StepMemoryRecorder(const StepMemoryRecorder&) = delete;
  StepMemoryRecorder& operator=(const StepMemoryRecorder&) = delete;
  ~StepMemoryRecorder() override { nn::detail::LayerObserver::running = layers_before_; }

  void passed(const Tape& tape, std::size_t node, bool backward) override {
    replaying_ = tape.replaying();
    places_.push_back({&tape, node, backward});
    end_moment(static_cast<double>(tape.gradient_bytes()));
  }
  void enter(const void* layer, const void* type) override {
    open_.push_back({layer, type, moments_.size(), in_use()});
  }
  void leave(const Shape& output) override {
    const Open run = open_.back();
    open_.pop_back();
    const auto known = known_.find({run.layer, run.type});
    if (known == known_.end() || run.first == moments_.size() || replaying_) return;  // nothing of it is on a tape
    const double kept =
        in_use() - run.in_use - static_cast<double>(static_cast<std::size_t>(output.size()) * sizeof(T));
    layers_.push_back(
        {known->second.first, known->second.second, run.first, moments_.size() - 1, 0, std::max(kept, 0.0)});
  }

  /// The record, after the step.
  StepMemory taken(Index clips) {
    places_.push_back({nullptr, 0, false});
    end_moment(0);
    for (LayerRun& layer : layers_) layer.backward = backward_of(layer);
    return {clips, std::move(moments_), std::move(layers_)};
  }

 private:
  struct Place {
    const Tape* tape;
    std::size_t node;
    bool backward;
  };
  struct Open {
    const void *layer, *type;
    std::size_t first;
    double in_use;
  };

  double in_use() const { return static_cast<double>(B::memory().in_use) - before_; }
  void end_moment(double gradients) {
    const MemoryStatistics memory = B::memory();
    moments_.push_back({static_cast<double>(memory.peak) - before_, in_use_ - gradients_, gradients_});
    in_use_ = static_cast<double>(memory.in_use) - before_;
    gradients_ = gradients;
    B::reset_memory_peak();
  }
  /// The first moment after a layer's run in which one of its nodes passes its gradient on; the last moment if none
  /// does.
  std::size_t backward_of(const LayerRun& layer) const {
    const Place &first = places_[layer.first], &last = places_[layer.last];
    for (std::size_t i = layer.last + 1; i < places_.size(); ++i) {
      const Place& place = places_[i];
      if (place.backward && place.tape == last.tape && place.node >= first.node && place.node <= last.node) return i;
    }
    return layer.last;
  }

  nn::detail::LayerObserver* const layers_before_ = nn::detail::LayerObserver::running;
  std::map<std::pair<const void*, const void*>, std::pair<std::string, std::string>> known_;  // name and type
  std::vector<Moment> moments_;
  std::vector<Place> places_;  // of the ends of moments
  std::vector<LayerRun> layers_;
  std::vector<Open> open_;
  double before_ = 0, in_use_ = 0, gradients_ = 0;
  bool replaying_ = false;
  const Observing observing_{*this};
};

FLIPBOOK_TEMPLATE(class StepMemoryRecorder<float, Cpu>);

}  // namespace flipbook::detail
