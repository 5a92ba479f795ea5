// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/backend/cuda/reduce/reduce.hpp>
#include <flipbook/distributed/collectives.hpp>
#include <flipbook/kernels/update/cuda.hpp>
#include <flipbook/optim/optimizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace cuda {

/// Judges a step by its loss and its gradient's squared length: report = (loss, length, 0), and what the gradient is to
/// be multiplied by: 1 / scale, and less where it is longer than `clip` (0: any length), not a number where the step is
/// to be left out. The scale of the loss, where there is one, adapts.
template <class T, class W>
__global__ void judge_step(const T* loss, const W* squared, double clip, float* scale, W* factor, double* report) {
  const double inverse = scale == nullptr ? 1.0 : 1.0 / static_cast<double>(scale[0]);
  const double value = static_cast<double>(*loss);
  const double length = std::sqrt(static_cast<double>(*squared)) * inverse;
  const bool fine = value - value == 0 && length - length == 0;
  const double shortened = clip > 0 ? clip / (length + 1e-6) : 1.0;
  const double times = inverse * (shortened < 1 ? shortened : 1.0);
  *factor = static_cast<W>(fine ? times : std::numeric_limits<double>::quiet_NaN());
  report[0] = value, report[1] = length, report[2] = 0;
  if (scale == nullptr || !(value - value == 0)) return;
  if (!fine) {
    scale[0] = scale[0] > 1 ? scale[0] / 2 : 1, scale[1] = 0;
  } else if (++scale[1] >= static_cast<float>(LossScale::patience)) {
    scale[0] = scale[0] < LossScale::most ? scale[0] * 2 : scale[0], scale[1] = 0;
  }
}

/// What judge_step says of a step.
template <class W>
struct Judgement {
  Tensor<W, Cuda> factor{Shape{}};
  Tensor<double, Cuda> report{Shape{3}};
};

/// @param clip    the most that the gradient may be long; 0: any length
/// @param scale   of the loss, or none
template <class T>
Judgement<Wide<T>> judge(const Tensor<T, Cuda>& loss, const Tensor<T, Cuda>& gradient, double clip,
                         Tensor<float, Cuda> scale = {}) {
  using W = Wide<T>;
  Judgement<W> judgement;
  Tensor<W, Cuda> squared{Shape{}};
  sum_squares(gradient.size(), gradient.data(), squared.data());
  launch(judge_step<T, W>, 1, 1, 0, loss.data(), squared.data(), clip, scale.data(), judgement.factor.data(),
         judgement.report.data());
  return judgement;
}

/// Where a buffer is not finite, neither are the factor of its step and the last number of its report.
template <class T, class W>
__global__ void judge_buffer(Index size, const T* buffer, W* factor, double* report) {
  for (Index i = thread_number(); i < size; i += thread_count()) {
    const double x = static_cast<double>(buffer[i]);
    if (x - x == 0) continue;
    *factor = static_cast<W>(std::numeric_limits<double>::quiet_NaN());
    report[2] = std::numeric_limits<double>::quiet_NaN();
  }
}

template <class W>
__global__ void put_back(const W* factor, Index size, const std::uint8_t* before, std::uint8_t* buffer) {
  if (*factor - *factor == 0) return;
  for (Index i = thread_number(); i < size; i += thread_count()) buffer[i] = before[i];
}

/// Carries out what a tape has noted of buffers, numbers of type T, unless the step's factor is not finite or they
/// would not be: they then are as they were, and the factor is not finite.
template <class T>
void apply_updates(Tape& tape, Judgement<Wide<T>>& judgement) {
  using W = Wide<T>;
  const auto noted = tape.deferred_buffers();
  std::vector<Tensor<std::uint8_t, Cuda>> before;
  std::vector<CopyPiece> pieces;
  for (const auto& [data, bytes, block] : noted) {
    before.emplace_back(Shape{static_cast<Index>(bytes)});
    pieces.push_back({before.back().data(), data, bytes});
  }
  Cuda::copy(pieces);
  tape.apply_updates();
  if (distributed::world().size() > 1) {  // each buffer is the mean of what it has become on all ranks
    for (const auto& [data, bytes, block] : noted) {
      Tensor<T, Cuda> buffer({static_cast<Index>(bytes / sizeof(T))});
      Cuda::copy(buffer.data(), data, bytes);
      buffer = mean_over_ranks(buffer);
      Cuda::copy(const_cast<void*>(data), std::as_const(buffer).data(), bytes);
    }
  }
  for (const auto& [data, bytes, block] : noted) {
    const Index size = static_cast<Index>(bytes / sizeof(T));
    launch(judge_buffer<T, W>, blocks_for(size), block_threads, 0, size, static_cast<const T*>(data),
           judgement.factor.data(), judgement.report.data());
  }
  for (std::size_t i = 0; i < noted.size(); ++i) {
    note_write(noted[i].data, noted[i].bytes);
    launch(put_back<W>, blocks_for(before[i].size()), block_threads, 0, std::as_const(judgement.factor).data(),
           before[i].size(), std::as_const(before[i]).data(),
           static_cast<std::uint8_t*>(const_cast<void*>(noted[i].data)));
  }
}

/// Reports the number x, of rank 0: as it is, or in a captured step what the replay will give.
inline double report(const double* x) {
  if (Capture* const capture = queue().capture) return capture->promise(x)[0];
  double value;
  Cuda::copy(&value, x, sizeof(double));
  return value;
}

}  // namespace cuda
}  // namespace flipbook
