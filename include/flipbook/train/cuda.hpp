// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/backend/cuda/reduce/reduce.hpp>
#include <flipbook/distributed/collectives.hpp>
#include <flipbook/kernels/update/cuda.hpp>
#include <flipbook/optim/optimizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace cuda {

/// Checks a step by its loss and its gradient's squared norm: report = (loss, norm, 0). `factor` multiplies the
/// gradient: 1 / scale, smaller if the norm exceeds `clip` (0: no limit), and NaN if the step is to be skipped. The
/// scale of the loss, if there is one, adapts.
template <class T, class W>
struct JudgeStep {
  const T* loss;
  double clip;
  float* scale;
  W* factor;
  double* report;

  __device__ void operator()(Index, W squared) const {
    const double inverse = scale == nullptr ? 1.0 : 1.0 / static_cast<double>(scale[0]);
    const double value = static_cast<double>(*loss);
    const double length = std::sqrt(static_cast<double>(squared)) * inverse;
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
};

/// The results of JudgeStep.
template <class W>
struct Judgement {
  Tensor<W, Cuda> factor{Shape{}};
  Tensor<double, Cuda> report{Shape{3}};
};

/// @param clip    largest norm of the gradient; 0: no limit
/// @param scale   scale of the loss, or none
template <class T>
Judgement<Wide<T>> judge(const Tensor<T, Cuda>& loss, const Tensor<T, Cuda>& gradient, double clip,
                         Tensor<float, Cuda> scale = {}) {
  using W = Wide<T>;
  Judgement<W> judgement;
  sum_squares_into(gradient.size(), gradient.data(),
                   JudgeStep<T, W>{loss.data(), clip, scale.data(), judgement.factor.data(), judgement.report.data()});
  return judgement;
}

/// Buffers that a step has changed, and their values before.
template <class T>
struct ChangedBuffers {
  static constexpr std::size_t most = 64;
  struct Buffer {
    T* now;
    const T* before;
    Index size;
  };
  Buffer buffer[most];
};

/// If the buffer of index blockIdx.y is not finite, sets the step's factor and the last number of its report to NaN.
/// The last block restores all buffers if the factor is not finite.
template <class T, class W>
__global__ void judge_buffers(const __grid_constant__ ChangedBuffers<T> list, W* factor, double* report,
                              unsigned* ticket) {
  const auto& own = list.buffer[blockIdx.y];
  for (Index i = thread_number(); i < own.size; i += thread_count()) {
    const double x = static_cast<double>(own.now[i]);
    if (x - x == 0) continue;
    *factor = static_cast<W>(std::numeric_limits<double>::quiet_NaN());
    report[2] = std::numeric_limits<double>::quiet_NaN();
  }
  if (!last_block(ticket, Index{gridDim.x} * gridDim.y)) return;
  const W times = __ldcg(factor);
  if (times - times == 0) return;
  for (unsigned k = 0; k < gridDim.y; ++k) {
    const auto& buffer = list.buffer[k];
    for (Index i = threadIdx.x; i < buffer.size; i += blockDim.x) buffer.now[i] = buffer.before[i];
  }
}

template <class T>
void judge(std::span<const typename ChangedBuffers<T>::Buffer> buffers, Judgement<Wide<T>>& judgement) {
  using W = Wide<T>;
  const auto launch_some = [&](std::size_t first) {
    ChangedBuffers<T> some;
    const std::size_t count = std::min(ChangedBuffers<T>::most, buffers.size() - first);
    Index largest = 1;
    for (std::size_t i = 0; i < count; ++i) {
      some.buffer[i] = buffers[first + i];
      largest = std::max(largest, some.buffer[i].size);
    }
    launch(judge_buffers<T, W>, dim3(blocks_for(largest), static_cast<unsigned>(count)), block_threads, 0, some,
           judgement.factor.data(), judgement.report.data(), queue().tickets);
  };
  const std::size_t most = ChangedBuffers<T>::most;
  for (std::size_t first = 0; first < buffers.size(); first += most) launch_some(first);
  for (std::size_t first = 0; first + most < buffers.size(); first += most) launch_some(first);  // those before it
}

/// Applies a tape's buffer updates, of type T, unless the step's factor is not finite or they would not be finite: then
/// the buffers keep their values, and the factor is not finite.
template <class T>
void apply_updates(Tape& tape, Judgement<Wide<T>>& judgement) {
  const auto noted = tape.deferred_buffers();
  std::vector<Tensor<T, Cuda>> before;
  std::vector<typename ChangedBuffers<T>::Buffer> changed;
  std::vector<CopyPiece> pieces;
  for (const auto& [data, bytes, block] : noted) {
    const auto size = static_cast<Index>(bytes / sizeof(T));
    before.emplace_back(Shape{size});
    pieces.push_back({before.back().data(), data, bytes});
    changed.push_back({static_cast<T*>(const_cast<void*>(data)), before.back().data(), size});
  }
  Cuda::copy(pieces);
  tape.apply_updates();
  if (distributed::world().size() > 1) {  // each buffer becomes its mean over all ranks
    for (const auto& [data, bytes, block] : noted) {
      Tensor<T, Cuda> buffer({static_cast<Index>(bytes / sizeof(T))});
      Cuda::copy(buffer.data(), data, bytes);
      buffer = mean_over_ranks(buffer);
      Cuda::copy(const_cast<void*>(data), std::as_const(buffer).data(), bytes);
    }
  }
  for (const auto& [data, bytes, block] : noted) note_write(data, bytes);
  judge<T>(std::span<const typename ChangedBuffers<T>::Buffer>(changed), judgement);
}

/// Reports the number x of rank 0: its value, or in a captured step the value of the replay.
inline double report(const double* x) {
  if (Capture* const capture = queue().capture) return capture->promise(x)[0];
  double value;
  Cuda::copy(&value, x, sizeof(double));
  return value;
}

}  // namespace cuda
}  // namespace flipbook
