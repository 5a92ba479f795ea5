// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/embedding/embedding.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A learned vector for each of `Count` tokens: indices (…) → (…, Out). Initialised as in PyTorch, standard normal.
/// Indices are not variables, so a call in training passes the tape.
template <int Count, int Out>
struct Embedding {
  static_assert(Count > 0 && Out > 0, "Embedding<Count, Out>: both must be positive");
  static constexpr int in = any, out = Out, dimensions = any;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight;  // (Count, Out)

    explicit Instance(Rng& rng) : weight{normal<T, B>({Count, Out}, rng)} {}
    static void fields(auto& self, auto&& field) { field("weight", self.weight); }

    /// @throws Error  if an index is not one of 0 … Count − 1
    Tensor<T, B> operator()(const Tensor<std::int32_t, B>& indices) const { return embedding(weight, indices); }
    Variable<T, B> operator()(Tape& tape, const Tensor<std::int32_t, B>& indices) const {
      return embedding(tape.lift(weight), indices);
    }
  };
};

}  // namespace flipbook::nn
