// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <cudnn.h>

#include <flipbook/backend/cuda/runtime/autotune.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>
#include <flipbook/kernels/conv/geometry.hpp>

/// Convolutions as cuDNN 9 graphs of one operation.

namespace flipbook::inline FLIPBOOK_ISA::cuda::cudnn {

/// Throws an Error that names the call, unless the call of cuDNN succeeded.
inline void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
    fail("Cuda: cuDNN: ", call, ": ", cudnnGetErrorString(status));
}

namespace detail {
struct Handle {
  cudnnHandle_t handle = nullptr;
  Handle() {
    check(cudnnCreate(&handle), "cudnnCreate");
    check(cudnnSetStream(handle, stream()), "cudnnSetStream");
  }
};
}  // namespace detail

/// The handle of the calling thread, for its stream.
inline cudnnHandle_t handle() { return of_queue<detail::Handle>().handle; }

template <class T>
inline constexpr cudnnDataType_t data_type = std::is_same_v<T, double>     ? CUDNN_DATA_DOUBLE
                                             : std::is_same_v<T, float>    ? CUDNN_DATA_FLOAT
                                             : std::is_same_v<T, bfloat16> ? CUDNN_DATA_BFLOAT16
                                                                           : CUDNN_DATA_HALF;

/// A cuDNN backend descriptor and the descriptors among its attributes.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t made = nullptr;
    check(cudnnBackendCreateDescriptor(type, &made), "cudnnBackendCreateDescriptor");
    made_.reset(made, cudnnBackendDestroyDescriptor);
  }
  cudnnBackendDescriptor_t get() const { return made_.get(); }

  template <class X>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::span<const X> values) {
    check(cudnnBackendSetAttribute(get(), name, type, static_cast<std::int64_t>(values.size()), values.data()),
          "cudnnBackendSetAttribute");
    return *this;
  }
  template <class X>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const X& value) {
    return set(name, type, std::span<const X>(&value, 1));
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    parts_.push_back(value);  // lives as long as this descriptor
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.get());
  }
  Descriptor& set(cudnnBackendAttributeName_t name, std::int64_t value) { return set(name, CUDNN_TYPE_INT64, value); }
  Descriptor& set(cudnnBackendAttributeName_t name, const std::vector<std::int64_t>& values) {
    return set(name, CUDNN_TYPE_INT64, std::span<const std::int64_t>(values));
  }

  cudnnStatus_t try_finalize() { return cudnnBackendFinalize(get()); }
  Descriptor& finalize() {
    check(try_finalize(), "cudnnBackendFinalize");
    return *this;
  }

 private:
  std::shared_ptr<std::remove_pointer_t<cudnnBackendDescriptor_t>> made_;
  std::vector<Descriptor> parts_;
};

enum class Pass { forward, by_input, by_weights };

/// The operands of one execution of a plan.
struct Operands {
  const void *x, *w, *y;
};

/// The execution plan of a convolution, for the thread that made it: cuDNN does not run a plan on several at once.
struct Plan {
  Descriptor execution;
  std::size_t workspace;

  /// @return  whether cuDNN succeeded
  bool run(const Operands& at) const {
    const Scratch<unsigned char> buffer(static_cast<Index>(workspace));
    const void* const pointers[] = {at.x, at.w, at.y};
    const std::int64_t names[] = {'x', 'w', 'y'};
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, std::span<const void* const>(pointers));
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, std::span<const std::int64_t>(names));
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, static_cast<const void*>(buffer.data()));
    return pack.try_finalize() == CUDNN_STATUS_SUCCESS &&
           cudnnBackendExecute(handle(), execution.get(), pack.get()) == CUDNN_STATUS_SUCCESS;
  }
};

namespace detail {

/// A tensor (N, C, extents…) whose channels are innermost.
template <class T>
Descriptor tensor(char name, Index batch, Index channels, std::span<const Index> extents) {
  std::vector<std::int64_t> dimensions{batch, channels}, strides{0, 1};
  dimensions.insert(dimensions.end(), extents.begin(), extents.end());
  strides.resize(dimensions.size());
  std::int64_t stride = channels;
  for (std::size_t i = dimensions.size(); i-- > 2; stride *= dimensions[i]) strides[i] = stride;
  strides[0] = stride;
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, data_type<T>);
  made.set(CUDNN_ATTR_TENSOR_DIMENSIONS, dimensions).set(CUDNN_ATTR_TENSOR_STRIDES, strides);
  made.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, std::int64_t{name}).set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
  return made.finalize();
}

/// The padding at the end of an axis: that at the start if the output's extent is the same, since few kernels support
/// any other.
inline Index padding_behind(const ConvGeometry& g, std::size_t axis) {
  const Index window = g.dilation[axis] * (g.kernel[axis] - 1) + 1, padding = g.padding[axis];
  const Index reach = (g.output[axis] - 1) * g.stride[axis] + window;
  const Index least = std::max<Index>(0, reach - padding - g.input[axis]);
  const bool alike = least <= padding && g.input[axis] + 2 * padding < reach + g.stride[axis];
  return alike ? padding : least;
}

/// The window, along the axes from `first`.
template <class T>
Descriptor window(const ConvGeometry& g, std::size_t first) {
  std::vector<std::int64_t> before, after, stride, dilation;
  for (std::size_t i = first; i < 3; ++i) {
    before.push_back(g.padding[i]), after.push_back(padding_behind(g, i));
    stride.push_back(g.stride[i]), dilation.push_back(g.dilation[i]);
  }
  Descriptor made(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  made.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, data_type<Wide<T>>);
  made.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
  made.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, static_cast<std::int64_t>(stride.size()));
  made.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, before).set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, after);
  made.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, stride).set(CUDNN_ATTR_CONVOLUTION_DILATIONS, dilation);
  return made.finalize();
}

struct OperationNames {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t window, x, w, y, alpha, beta;
};
inline constexpr OperationNames forward_names{CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
inline constexpr OperationNames by_input_names{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
inline constexpr OperationNames by_weights_names{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};

/// The convolution of one pass: x (N, C, …), w (O, C / groups, …), y (N, O, …). If the first axis has one tap, its
/// frames become samples of a convolution over two axes, for which cuDNN has more kernels.
template <class T>
Descriptor operation(ConvGeometry g, Pass pass) {
  const bool flat = g.kernel[0] == 1 && g.stride[0] == 1 && g.padding[0] == 0 && g.input[0] == g.output[0];
  if (flat) g.batch *= g.input[0];
  const std::size_t first = flat ? 1 : 0;
  const auto axes = [first](const ConvGeometry::Axes& all) { return std::span<const Index>(all).subspan(first); };
  const OperationNames& names = pass == Pass::forward    ? forward_names
                                : pass == Pass::by_input ? by_input_names
                                                         : by_weights_names;
  const Wide<T> one = 1, nothing = 0;
  constexpr auto scale = std::is_same_v<T, double> ? CUDNN_TYPE_DOUBLE : CUDNN_TYPE_FLOAT;
  Descriptor made(names.type);
  made.set(names.window, window<T>(g, first));
  made.set(names.x, tensor<T>('x', g.batch, g.in_channels, axes(g.input)));
  made.set(names.w, tensor<T>('w', g.out_channels, g.in_channels / g.groups, axes(g.kernel)));
  made.set(names.y, tensor<T>('y', g.batch, g.out_channels, axes(g.output)));
  made.set(names.alpha, scale, one).set(names.beta, scale, nothing);
  return made.finalize();
}

/// Whether an engine meets the library's guarantees: deterministic results, sums in float, and the requested precision.
template <class T>
bool keeps_promises(const Descriptor& configuration) {
  const Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t into = engine.get();
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                 &count, &into),
        "cudnnBackendGetAttribute");
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  check(cudnnBackendGetAttribute(into, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, notes.size(),
                                 &count, notes.data()),
        "cudnnBackendGetAttribute");
  return std::none_of(notes.begin(), notes.begin() + count, [](cudnnBackendNumericalNote_t note) {
    const bool rounds = note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE;  // to TF32
    const bool detours = note == CUDNN_NUMERICAL_NOTE_FFT || note == CUDNN_NUMERICAL_NOTE_WINOGRAD;
    return note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC || note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
           note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ||  // to half
           (std::is_same_v<T, float> && !arithmetic().tf32 && (rounds || detours));
  });
}

inline constexpr int most_plans = 8;  ///< for each heuristic mode
inline constexpr std::int64_t most_workspace = std::int64_t{1} << 30;

/// The configurations that one mode of cuDNN's heuristics recommends, best first.
inline std::vector<Descriptor> recommended(const Descriptor& graph, cudnnBackendHeurMode_t mode) {
  Descriptor advice(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  advice.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph).set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
  if (advice.try_finalize() != CUDNN_STATUS_SUCCESS) return {};
  std::vector<Descriptor> configurations;
  std::array<cudnnBackendDescriptor_t, most_plans> into{};
  for (auto& to : into) to = configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).get();
  std::int64_t count = 0;
  if (cudnnBackendGetAttribute(advice.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, most_plans,
                               &count, into.data()) != CUDNN_STATUS_SUCCESS) {
    return {};
  }
  configurations.erase(configurations.begin() + std::min<std::int64_t>(count, most_plans), configurations.end());
  return configurations;
}

/// The plan of a configuration, or none if cuDNN cannot make it or its workspace is too large. cuDNN may compile a
/// kernel for it, which takes about a second.
inline std::optional<Plan> plan_of(const Descriptor& configuration) {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle());
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  if (plan.try_finalize() != CUDNN_STATUS_SUCCESS) return {};
  std::int64_t workspace = 0, filled = 0;
  check(cudnnBackendGetAttribute(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &filled,
                                 &workspace),
        "cudnnBackendGetAttribute");
  if (workspace > most_workspace) return {};
  return Plan{plan, static_cast<std::size_t>(workspace)};
}

/// The graph of one pass, or none if cuDNN rejects the geometry; the library's own kernels have no such limits.
template <class T>
std::optional<Descriptor> graph_of(const ConvGeometry& g, Pass pass) {
  handle();  // throws here if there is no device
  try {
    Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle());
    return graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation<T>(g, pass)).finalize();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace detail

/// Makes cuDNN's plans of one pass, best first by its heuristics, until take(plan) returns true. The fallback plans,
/// which always work, are requested only if the heuristics give none.
template <class T, class Take>
void each_plan(const ConvGeometry& g, Pass pass, const Take& take) {
  const std::optional<Descriptor> graph = detail::graph_of<T>(g, pass);
  if (!graph) return;
  bool any = false;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    for (const Descriptor& configuration : detail::recommended(*graph, mode)) {
      if (!detail::keeps_promises<T>(configuration)) continue;
      const std::optional<Plan> plan = detail::plan_of(configuration);
      if (plan && take(*plan)) return;
      any = any || plan;
    }
    if (any) return;
  }
}

}  // namespace flipbook::cuda::cudnn
