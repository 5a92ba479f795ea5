// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <flipbook/backend/cuda/graph/graph.hpp>
#include <flipbook/train/stepper.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// On Cuda, steps of each kind are launched directly until memory and libraries are warm, then captured once and
/// replayed, until the model's settings change: a captured step contains the settings at its capture. If a step cannot
/// be captured, one line on stderr states the reason, and steps are launched directly as before.
template <class T, class Batch>
class Stepper<T, Cuda, Batch> {
 public:
  Stepper() = default;
  Stepper(Stepper&&) noexcept {}  // captured steps refer to the training at its old address
  Stepper& operator=(Stepper&&) noexcept {
    kinds_.clear();
    return *this;
  }

  template <class Training, class Model>
  Losses step(Training& training, const Model& model, const Batch& clips, Rng& rng, const StepOptions& how) {
    if constexpr (requires { training.variant(); }) {
      const distributed::Communicator& ranks = distributed::world();
      const bool on_device = ranks.size() == 1 || ranks.on_devices();  // no data of a step passes through the host
      if (how.capture && on_device && !given_up_) {
        Kind& kind = kind_of({shapes_of(clips), how.clip_norm, how.micro_batches, training.variant(),
                              model.parameters().data(), &cuda::queue()});
        if (auto settings = settings_of(model); kind.settings != settings) kind = {kind.key, std::move(settings)};
        const std::vector<Index> steps = steps_of(training);
        if (kind.graph == nullptr && kind.taken++ >= warm) capture(kind, training, model, clips, rng, how);
        if (kind.graph != nullptr) return replay(kind, training, model, clips, rng, steps);
      }
    }
    return training.step(model, clips, rng, how);
  }

  bool captured() const noexcept {
    return std::ranges::any_of(kinds_, [](const Kind& kind) { return kind.graph != nullptr; });
  }

 private:
  static constexpr int warm = 2;

  struct Key {
    std::vector<Shape> clips;
    double clip_norm;
    Index micro_batches;
    Index variant;
    const T* parameters;
    const cuda::Queue* queue;  // of the thread and device of the launch
    bool operator==(const Key&) const = default;
  };
  struct Kind {
    Key key;
    std::vector<double> settings{};
    int taken = 0;
    Batch clips{};  // input of the graph
    Losses losses{};
    std::unique_ptr<cuda::StepGraph> graph{};
  };

  Kind& kind_of(const Key& key) {
    for (Kind& kind : kinds_) {
      if (kind.key == key) return kind;
    }
    return kinds_.emplace_back(Kind{key});
  }

  static std::vector<Shape> shapes_of(const Batch& clips) {
    std::vector<Shape> shapes;
    for_each_member(clips, [&](std::string_view, const auto& x) { shapes.push_back(x.shape()); });
    return shapes;
  }
  static void assign(const Tensor<T, Cuda>& to, const Tensor<T, Cuda>& from) {
    Cuda::copy(const_cast<T*>(to.data()), from.data(), static_cast<std::size_t>(from.size()) * sizeof(T));
  }

  template <class Training>
  static std::vector<Index> steps_of(Training& training) {
    std::vector<Index> steps;
    training.visit_optimizers([&](const auto&, auto& optimizer) { steps.push_back(optimizer.steps()); });
    return steps;
  }
  template <class Training>
  static void go_back(Training& training, const std::vector<Index>& steps) {
    auto at = steps.begin();
    training.visit_optimizers([&](const auto&, auto& optimizer) { optimizer.resume(*at++); });
  }

  template <class Training, class Model>
  void capture(Kind& kind, Training& training, const Model& model, const Batch& clips, Rng& rng,
               const StepOptions& how) {
    const std::vector<Index> steps = steps_of(training);
    const Rng before = rng;
    try {
      kind.clips = map_members(clips, [](const Tensor<T, Cuda>& x) { return x.clone(); });
      const auto step = [&] { kind.losses = training.step(model, kind.clips, rng, how); };
      kind.graph = std::make_unique<cuda::StepGraph>(rng, step);
    } catch (const Error& error) {
      std::fprintf(stderr, "flipbook: training runs without a CUDA graph: %s\n", error.what());
      given_up_ = true;
      go_back(training, steps);
      rng = before;
    }
  }

  template <class Training, class Model>
  Losses replay(Kind& kind, Training& training, const Model& model, const Batch& clips, Rng& rng,
                const std::vector<Index>& steps) {
    zip_members(kind.clips, clips, [](std::string_view, const auto& to, const auto& from) { assign(to, from); });
    Snapshot<Cuda> before;
    // The device checks each step separately: it may take the first and skip the second. Buffers follow micro-batches.
    if (steps.size() > 1 || kind.key.micro_batches > 1) {
      before.together([&] {
        before.add(model.parameters()), before.add(model.buffers());
        training.visit_optimizers([&](const auto&, auto& optimizer) { before.add(optimizer); });
      });
    }
    try {
      kind.graph->replay(rng);
    } catch (...) {
      go_back(training, steps);
      throw;
    }
    before.release();
    Losses losses = kind.losses;
    for (auto& [name, value] : losses) value = kind.graph->kept(value);
    return losses;
  }

  std::vector<Kind> kinds_;
  bool given_up_ = false;
};

/// Copies batches to the device while the previous step is computed: from pinned memory, on a separate stream.
template <class Source>
class Batches<Cuda, Source> {
  using Batch = WithMembers<ClipOf<Source>, Tensor<float, Cuda>>;

 public:
  Batches(const Source& source, const DataLoaderOptions& options) : loader_(source, options) {
    cuda::check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream");
    try {
      for (Slot& slot : slots_) slot.make_events();
    } catch (...) {
      end();
      throw;
    }
  }
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  ~Batches() { end(); }

  /// The next batch, (N, T, H, W, C), or each member of annotated clips with a leading N; its memory is overwritten
  /// after the batch after it has been requested.
  Batch next() {
    Slot &now = slots_[at_], &then = slots_[1 - at_];
    if (!now.filled) fill(now);
    cuda::check(cudaStreamWaitEvent(cuda::stream(), now.copied, 0), "a batch");
    cuda::check(cudaEventRecord(then.used, cuda::stream()), "a batch");
    if (loader_.ready()) fill(then);
    now.filled = false;
    at_ = 1 - at_;
    return now.clips;
  }

 private:
  struct Slot {
    Batch clips{};
    float* pinned = nullptr;  // the members, concatenated
    cudaEvent_t copied = nullptr, used = nullptr;
    bool filled = false;

    void make_events() {
      cuda::check(cudaEventCreateWithFlags(&copied, cudaEventDisableTiming), "event");
      cuda::check(cudaEventCreateWithFlags(&used, cudaEventDisableTiming), "event");
    }
    void allocate(const ClipOf<Source>& batch) {
      std::size_t bytes = 0;
      clips = map_members(batch, [&](const Tensor<float>& x) {
        bytes += bytes_of(x);
        return Tensor<float, Cuda>(x.shape());
      });
      cuda::check(cudaMallocHost(reinterpret_cast<void**>(&pinned), bytes), "pinned memory");
      cuda::check(cudaEventRecord(used, cuda::stream()), "event");  // the memory may be in use until now
    }
  };

  static std::size_t bytes_of(const Tensor<float>& x) { return static_cast<std::size_t>(x.size()) * sizeof(float); }

  void fill(Slot& slot) {
    const ClipOf<Source> batch = loader_.next();
    if (slot.pinned == nullptr) slot.allocate(batch);
    cuda::check(cudaEventSynchronize(slot.copied), "a batch");  // the pinned memory is no longer read
    cuda::check(cudaStreamWaitEvent(stream_, slot.used, 0), "a batch");
    float* from = slot.pinned;
    zip_members(slot.clips, batch, [&](std::string_view name, Tensor<float, Cuda>& to, const Tensor<float>& x) {
      require(to.shape() == x.shape(), "training: '", name, "' of a batch is of shape ", x.shape(), ", and was of ",
              to.shape());
      std::memcpy(from, x.data(), bytes_of(x));
      cuda::check(cudaMemcpyAsync(to.data(), from, bytes_of(x), cudaMemcpyDefault, stream_), "a batch");
      from += x.size();
    });
    cuda::check(cudaEventRecord(slot.copied, stream_), "a batch");
    slot.filled = true;
  }

  void end() noexcept {
    if (stream_ != nullptr) cudaStreamSynchronize(stream_), cudaStreamDestroy(stream_);
    for (Slot& slot : slots_) {
      if (slot.pinned != nullptr) cudaFreeHost(slot.pinned);
      if (slot.copied != nullptr) cudaEventDestroy(slot.copied);
      if (slot.used != nullptr) cudaEventDestroy(slot.used);
    }
  }

  DataLoader<Source> loader_;
  cudaStream_t stream_ = nullptr;
  Slot slots_[2];
  std::size_t at_ = 0;
};

/// Batches generated on the device, each when it is requested.
template <class Source>
  requires MadeOn<Source, Cuda>
class Batches<Cuda, Source> {
 public:
  Batches(const Source& source, const DataLoaderOptions& options)
      : make_(made_on(Cuda{}, source)),
        batch_(options.batch),
        stride_(options.parts * options.batch),
        next_(options.first * stride_ + options.part * options.batch) {}
  Tensor<float, Cuda> next() { return make_(std::exchange(next_, next_ + stride_), batch_); }

 private:
  decltype(made_on(Cuda{}, std::declval<const Source&>())) make_;
  Index batch_, stride_, next_;
};

}  // namespace flipbook::detail
