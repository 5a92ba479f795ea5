// SPDX-License-Identifier: MIT
#pragma once

// The part of cuDNN 9's graph interface that the library uses, as its manual defines it: descriptors with attributes,
// graphs of one convolution or one of its gradients over tensors of any strides, advice on engines and their numerical
// notes, plans with a workspace. Engine 0 is the fastest and works on tensor cores, engine 1 gives other bits each
// time, engine 2 is plain, engine 3 rounds to half and is recommended first; 1 and 3 give wrong numbers here, so that
// nobody takes them. Dilated convolutions in groups are refused, and plans by another handle than they were made with.

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include <cuda_runtime.h>
#include <cudnn_names.h>

#include <flipbook/core/scalar.hpp>

namespace emulated::dnn {

struct Convolution;

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  int engine = -1;
  std::shared_ptr<const Convolution> convolution{};  ///< of an operation, and of what is made of it
  std::map<int, std::vector<unsigned char>> attributes{};

  template <class X>
  std::vector<X> all(int name) const {
    const auto& bytes = attributes.at(name);
    std::vector<X> values(bytes.size() / sizeof(X));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  template <class X>
  X one(int name) const {
    return all<X>(name).at(0);
  }
  const Descriptor& part(int name) const { return *one<Descriptor*>(name); }
};

struct Handle {
  cudaStream_t stream;
};

inline std::size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_INT64: return sizeof(std::int64_t);
    case CUDNN_TYPE_FLOAT: return sizeof(float);
    case CUDNN_TYPE_DOUBLE: return sizeof(double);
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return sizeof(void*);
    default: return sizeof(int);
  }
}

/// How many convolutions have run, by the engine; how many plans were made, and windows whose padding differs in front
/// and behind.
inline std::size_t convolutions_run[4] = {}, plans_made = 0, uneven_windows = 0;
/// What the tests set: engines of which no plan can be made, and whose plans do not run.
inline bool refuses_plan[4] = {}, refuses_run[4] = {};

/// A tensor with its place in memory.
struct Operand {
  std::vector<std::int64_t> dimensions, strides;
  cudnnDataType_t type{};
  std::int64_t name = 0, alignment = 1;
  void* data = nullptr;

  std::int64_t offset(const std::vector<std::int64_t>& at) const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < at.size(); ++i) sum += at[i] * strides[i];
    return sum;
  }
  double read(std::int64_t at) const {
    switch (type) {
      case CUDNN_DATA_FLOAT: return static_cast<const float*>(data)[at];
      case CUDNN_DATA_DOUBLE: return static_cast<const double*>(data)[at];
      case CUDNN_DATA_HALF: return static_cast<const flipbook::half*>(data)[at];
      case CUDNN_DATA_BFLOAT16: return static_cast<const flipbook::bfloat16*>(data)[at];
    }
    std::abort();
  }
  void write(std::int64_t at, double value) const {
    switch (type) {
      case CUDNN_DATA_FLOAT: static_cast<float*>(data)[at] = static_cast<float>(value); return;
      case CUDNN_DATA_DOUBLE: static_cast<double*>(data)[at] = value; return;
      case CUDNN_DATA_HALF: static_cast<flipbook::half*>(data)[at] = flipbook::half(static_cast<float>(value)); return;
      case CUDNN_DATA_BFLOAT16:
        static_cast<flipbook::bfloat16*>(data)[at] = flipbook::bfloat16(static_cast<float>(value));
        return;
    }
  }
  /// Calls body(index) for every index, last axis fastest.
  template <class Body>
  void each(const Body& body) const {
    std::vector<std::int64_t> at(dimensions.size(), 0);
    std::int64_t count = 1;
    for (const std::int64_t extent : dimensions) count *= extent;
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t rest = i;
      for (std::size_t axis = at.size(); axis-- > 0; rest /= dimensions[axis]) at[axis] = rest % dimensions[axis];
      body(at);
    }
  }
};

struct Convolution {
  cudnnBackendDescriptorType_t type;
  int engine;
  Operand x, w, y;
  std::vector<std::int64_t> before, stride, dilation;

  std::int64_t groups() const { return x.dimensions[1] / w.dimensions[1]; }

  double rounded(double value) const {
    if (engine != 0 || x.type != CUDNN_DATA_FLOAT) return value;
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    return static_cast<double>(std::bit_cast<float>((bits + 0x1000U) & ~0x1fffU));
  }

  /// Every product of a pixel of x, a weight and a pixel of y, at its offsets.
  template <class Visit>
  void visit(const Visit& visit_product) const {
    const std::int64_t columns = w.dimensions[0] / groups();
    y.each([&](const std::vector<std::int64_t>& p) {
      w.each([&](const std::vector<std::int64_t>& k) {
        if (k[0] != p[1]) return;
        std::vector<std::int64_t> at{p[0], p[1] / columns * w.dimensions[1] + k[1]};
        for (std::size_t i = 0; i < stride.size(); ++i) {
          at.push_back(p[i + 2] * stride[i] + k[i + 2] * dilation[i] - before[i]);
          if (at.back() < 0 || at.back() >= x.dimensions[i + 2]) return;
        }
        visit_product(x.offset(at), w.offset(k), y.offset(p));
      });
    });
  }

  void run() const {
    std::map<std::int64_t, double> sums;
    const Operand& out = type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR         ? y
                         : type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? x
                                                                                                : w;
    out.each([&](const std::vector<std::int64_t>& at) { sums[out.offset(at)] = engine % 2 == 1 ? 1e9 : 0; });
    visit([&](std::int64_t i, std::int64_t k, std::int64_t o) {
      if (&out == &y) sums[o] += rounded(x.read(i)) * rounded(w.read(k));
      else if (&out == &x) sums[i] += rounded(y.read(o)) * rounded(w.read(k));
      else sums[k] += rounded(x.read(i)) * rounded(y.read(o));
    });
    for (const auto& [at, sum] : sums) out.write(at, sum);
    ++convolutions_run[engine];
  }
};

}  // namespace emulated::dnn

using cudnnHandle_t = emulated::dnn::Handle*;
using cudnnBackendDescriptor_t = emulated::dnn::Descriptor*;

inline const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS     ? "CUDNN_STATUS_SUCCESS"
         : status == CUDNN_STATUS_BAD_PARAM ? "CUDNN_STATUS_BAD_PARAM"
                                            : "CUDNN_STATUS_NOT_SUPPORTED";
}
inline cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new emulated::dnn::Handle{};
  return CUDNN_STATUS_SUCCESS;
}
inline cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

inline cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* made) {
  *made = new emulated::dnn::Descriptor{type};
  return CUDNN_STATUS_SUCCESS;
}
inline cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
inline cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, std::int64_t count,
                                              const void* values) {
  if (descriptor->finalized || values == nullptr || count < 1) return CUDNN_STATUS_BAD_PARAM;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR && !(*static_cast<const cudnnBackendDescriptor_t*>(values))->finalized) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  const auto* const bytes = static_cast<const unsigned char*>(values);
  descriptor->attributes[name].assign(bytes, bytes + static_cast<std::size_t>(count) * emulated::dnn::size_of(type));
  return CUDNN_STATUS_SUCCESS;
}

namespace emulated::dnn {

struct Names {
  int window, x, w, y, alpha, beta;
};
inline Names names_of(cudnnBackendDescriptorType_t type) {
  if (type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR) return {702, 704, 703, 705, 700, 701};
  if (type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR) return {708, 710, 709, 711, 706, 707};
  return {714, 716, 715, 717, 712, 713};
}
inline bool is_operation(const Descriptor& d) { return d.type >= 10 && d.type <= 12; }

inline Convolution convolution_of(const Descriptor& operation) {
  const Names names = names_of(operation.type);
  const auto operand = [&](int name) {
    const Descriptor& tensor = operation.part(name);
    return Operand{
        tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES),
        tensor.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE), tensor.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID),
        tensor.one<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT)};
  };
  const Descriptor& window = operation.part(names.window);
  return {operation.type,
          -1,
          operand(names.x),
          operand(names.w),
          operand(names.y),
          window.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
          window.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
          window.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS)};
}

/// Whether extents of x, w, y and the window fit each other.
inline bool fits(const Descriptor& operation) {
  const Names names = names_of(operation.type);
  const Convolution c = convolution_of(operation);
  const auto after = operation.part(names.window).all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  if (c.x.dimensions[1] % c.w.dimensions[1] != 0 || c.w.dimensions[0] != c.y.dimensions[1] ||
      c.x.dimensions[0] != c.y.dimensions[0]) {
    return false;
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::int64_t span =
        c.x.dimensions[i + 2] + c.before[i] + after[i] - c.dilation[i] * (c.w.dimensions[i + 2] - 1) - 1;
    if (span < 0 || span / c.stride[i] + 1 != c.y.dimensions[i + 2] || after[i] < 0 || c.before[i] < 0) return false;
  }
  const bool wide = c.x.type == CUDNN_DATA_DOUBLE;
  const auto scale = [&](int name) { return wide ? operation.one<double>(name) : double(operation.one<float>(name)); };
  return operation.attributes.at(names.alpha).size() == (wide ? 8U : 4U) && scale(names.alpha) == 1 &&
         scale(names.beta) == 0;
}

}  // namespace emulated::dnn

inline cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d) {
  using namespace emulated::dnn;
  if (d->finalized) return CUDNN_STATUS_BAD_PARAM;
  if (is_operation(*d)) {
    if (!fits(*d)) return CUDNN_STATUS_BAD_PARAM;
    const Convolution c = convolution_of(*d);
    if (c.groups() > 1 && std::any_of(c.dilation.begin(), c.dilation.end(), [](std::int64_t n) { return n > 1; })) {
      return CUDNN_STATUS_NOT_SUPPORTED;
    }
    d->convolution = std::make_shared<const Convolution>(c);
  }
  const auto made_of = [d](int name) { d->convolution = d->part(name).convolution; };
  if (d->type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) made_of(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  if (d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) made_of(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (d->type == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR) {
    uneven_windows +=
        d->attributes.at(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS) != d->attributes.at(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  }
  if (d->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
    made_of(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    d->engine = d->part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).engine;
    if (refuses_plan[d->engine]) return CUDNN_STATUS_NOT_SUPPORTED;
    ++plans_made;
  }
  d->finalized = true;
  return CUDNN_STATUS_SUCCESS;
}

inline cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const d, cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t, std::int64_t room, std::int64_t* count,
                                              void* values) {
  const auto descriptors = static_cast<cudnnBackendDescriptor_t*>(values);
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) {
    constexpr int recommended[] = {3, 0, 1, 2};
    *count = std::min<std::int64_t>(room, 4);
    for (std::int64_t i = 0; i < *count; ++i) {
      descriptors[i]->engine = recommended[i];
      descriptors[i]->finalized = true;
      descriptors[i]->convolution = d->convolution;
    }
  } else if (name == CUDNN_ATTR_ENGINECFG_ENGINE) {
    *count = 1;
    descriptors[0]->engine = d->engine;
    descriptors[0]->finalized = true;
  } else if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
    *count = d->engine == 2 ? 0 : 1;
    if (*count == 1) {
      *static_cast<cudnnBackendNumericalNote_t*>(values) = d->engine == 0   ? CUDNN_NUMERICAL_NOTE_TENSOR_CORE
                                                           : d->engine == 1 ? CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC
                                                                            : CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
    }
  } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
    *count = 1;
    *static_cast<std::int64_t*>(values) = 500 * d->engine;
  } else {
    return CUDNN_STATUS_BAD_PARAM;
  }
  return CUDNN_STATUS_SUCCESS;
}

inline cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                         cudnnBackendDescriptor_t pack) {
  using namespace emulated::dnn;
  const auto uids = pack->all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack->all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  if (handle != plan->one<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)) return CUDNN_STATUS_BAD_PARAM;
  if (refuses_run[plan->engine]) return CUDNN_STATUS_NOT_SUPPORTED;
  Convolution c = *plan->convolution;
  c.engine = plan->engine;
  for (Operand* const operand : {&c.x, &c.w, &c.y}) {
    const auto at = std::find(uids.begin(), uids.end(), operand->name);
    if (at == uids.end()) return CUDNN_STATUS_BAD_PARAM;
    operand->data = pointers[static_cast<std::size_t>(at - uids.begin())];
    if (std::bit_cast<std::uintptr_t>(operand->data) % static_cast<std::uintptr_t>(operand->alignment) != 0)
      return CUDNN_STATUS_BAD_PARAM;
  }
  void* const workspace = pack->one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  const auto work = [=] {
    std::memset(workspace, 0xff, static_cast<std::size_t>(500 * c.engine));
    c.run();
  };
  const char* const name = c.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ? "cudnn: convolution"
                           : c.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR
                               ? "cudnn: by the input"
                               : "cudnn: by the weights";
  return emulated::enqueue(handle->stream, name, work) == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                                                      : CUDNN_STATUS_NOT_SUPPORTED;
}
