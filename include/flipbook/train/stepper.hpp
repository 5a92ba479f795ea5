// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/data/data_loader.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The steps of a trainer: executed directly, one after another.
template <class T, class B, class Batch>
struct Stepper {
  template <class Training, class Model>
  Losses step(Training& training, const Model& model, const Batch& clips, Rng& rng, const StepOptions& how) {
    return training.step(model, clips, rng, how);
  }
  bool captured() const noexcept { return false; }
};

/// The batches of a source in a backend's memory.
template <class B, class Source>
class Batches {
 public:
  Batches(const Source& source, const DataLoaderOptions& options) : loader_(source, options) {}
  ClipOf<Source> next() { return loader_.next(); }

 private:
  DataLoader<Source> loader_;
};

}  // namespace flipbook::detail

#ifdef FLIPBOOK_CUDA
#include <flipbook/train/cuda_stepper.hpp>
#endif
