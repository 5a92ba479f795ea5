// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <concepts>
#include <functional>
#include <optional>

#include <flipbook/core/random.hpp>
#include <flipbook/optim/optimizer.hpp>
#include <flipbook/train/description.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/model_average.hpp>
#include <flipbook/train/weights.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

template <class I>
concept WholeNumber = std::integral<I> && !std::same_as<I, bool>;

template <class... I>
std::string joined(I... numbers) {
  std::string text;
  ((text += (text.empty() ? "" : " ") + std::to_string(numbers)), ...);
  return text;
}

/// Parses exactly the numbers that `joined` wrote, or returns false.
template <class... I>
bool separated(std::string_view text, I&... numbers) {
  const char *at = text.data(), *const end = at + text.size();
  const auto one = [&](auto& number) {
    if (at != text.data() && (at == end || *at++ != ' ')) return false;
    const auto [next, error] = std::from_chars(at, end, number);
    at = next;
    return error == std::errc{};
  };
  return (one(numbers) && ...) && at == end;
}

/// The number of steps of a run; in a file, neither negative nor more than a History can represent.
struct StepCount {
  Index& value;
  static constexpr Index most = Index{1} << 53;
};

/// The entry of a checkpoint for the type of a named module.
FLIPBOOK_INLINE std::string description_entry(const std::string& name);

/// Collects a run's state, part by part, to be written at once, or later if it is a copy. Tensors are converted to the
/// layout of files only when written.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(bool copies = false) : copies_(copies) {}

  template <class M>
    requires HasFields<M>
  void operator()(const std::string& name, const M& module) {
    const std::string prefix = name.empty() ? "" : name + ".";
    if constexpr (requires { typename M::Network; }) {
      add(description_entry(name), description_of<typename M::Network>());
      for (const auto& field : fields_of(module)) add_weight(prefix + field.name, field.value, field.layout);
    } else {
      for_each_field(module, [&](const std::string& field, const auto& leaf) {
        add_weight(prefix + field, leaf.value, layout_of(leaf));
      });
    }
  }
  template <class Rule, class T, class B>
  void operator()(const std::string& name, const Optimizer<Rule, T, B>& optimizer) {
    add(name, joined(optimizer.steps()));
    optimizer.visit(
        [&](const std::string& memory, const auto& x) { add(name + "/" + memory, here(optimizer.whole(x))); });
  }
  template <class T, class B>
  void operator()(const std::string& name, const MovingAverage<T, B>& average) {
    add(name, here(average.value()));
  }
  template <class T, class B>
  void operator()(const std::string& name, const AverageState<T, B>& average) {
    (*this)(name, average.parameters);
    if (average.buffers) (*this)(name + "/buffers", *average.buffers);
  }
  void operator()(const std::string& name, const Rng& rng);
  void operator()(const std::string& name, const StepCount& steps) { add(name, joined(steps.value)); }
  void operator()(const std::string& name, WholeNumber auto number) { add(name, joined(number)); }
  void operator()(const std::string& name, const std::optional<double>& number);
  void operator()(const std::string& name, const History& history);

  const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }
  /// All tensors, in the layout of files.
  std::vector<NamedTensor> tensors() const;

 private:
  void add(const std::string& name, const std::string& entry);
  template <class T, class B>
  void add_weight(const std::string& name, const Tensor<T, B>& value, WeightLayout layout) {
    tensors_.push_back([name, x = here(value), layout] { return NamedTensor(name, to_pytorch(x, layout)); });
  }
  template <class T>
  void add(const std::string& name, const Tensor<T>& x) {
    tensors_.push_back([path = std::string(training_prefix) + name, x] { return NamedTensor(path, x); });
  }
  template <class T, class B>
  Tensor<T> here(const Tensor<T, B>& x) const {
    if constexpr (std::same_as<B, Cpu>) return copies_ ? x.clone() : x;
    else return to<Cpu>(x);
  }

  bool copies_;
  std::vector<std::function<NamedTensor()>> tensors_;
  std::map<std::string, std::string> metadata_{{"format", "pt"}};
};

/// Restores a run's state, part by part, after all parts have been checked.
struct CheckpointReader {
  Loading loading;
  bool any_model = false;

  template <class M>
    requires HasFields<M>
  void operator()(const std::string& name, M& module) {
    if constexpr (requires { typename M::Network; }) {
      check_type(description_entry(name), description_of<typename M::Network>());
    }
    take_weights(module, name.empty() ? "" : name + ".", loading);
  }
  template <class Rule, class T, class B>
  void operator()(const std::string& name, Optimizer<Rule, T, B>& optimizer) {
    count(name, [&optimizer](Index steps) { optimizer.resume(steps); });
    optimizer.visit([&](const std::string& memory, const auto& x) { take(name + "/" + memory, x); });
  }
  template <class T, class B>
  void operator()(const std::string& name, MovingAverage<T, B>& average) {
    take(name, average.value());
  }
  /// Older files have no average of buffers; it is initialised with the buffers that are read.
  template <class T, class B>
  void operator()(const std::string& name, const AverageState<T, B>& average) {
    (*this)(name, average.parameters);
    if (!average.buffers) return;
    const std::string buffers = name + "/buffers";
    if (loading.has(std::string(training_prefix) + buffers)) (*this)(buffers, *average.buffers);
    else loading.later([of = &*average.buffers, now = average.buffers_now] { of->restart(now); });
  }
  void operator()(const std::string& name, Rng& rng);
  void operator()(const std::string& name, const StepCount& steps);
  void operator()(const std::string& name, WholeNumber auto& number) {
    auto read = number;
    if (numbers(name, read)) loading.later([&number, read] { number = read; });
  }
  void operator()(const std::string& name, std::optional<double>& number);
  void operator()(const std::string& name, History& history);

 private:
  void refuse(const std::pair<const std::string, std::string>& entry);
  /// Older files have no types.
  void check_type(const std::string& name, const std::string& here);
  template <class T, class B>
  void take(const std::string& name, const Tensor<T, B>& x) {
    if (auto read = loading.take<T>(std::string(training_prefix) + name, x.shape())) {
      loading.later([to = x, from = *read] { assign(to, from); });
    }
  }
  const std::string* entry(const std::string& name);
  template <class Resume>
  void count(const std::string& name, const Resume& resume) {
    Index steps = 0;
    if (!numbers(name, steps)) return;
    if (steps < 0 || steps > StepCount::most) return loading.refuse(text("its metadata '", name, "' is ", steps));
    loading.later([resume, steps] { resume(steps); });
  }
  template <class... I>
  bool numbers(const std::string& name, I&... read) {
    const std::string* const text = entry(name);
    if (text == nullptr) return false;
    if (!separated(*text, read...)) refuse({name, *text});
    return true;
  }
};

/// @param check  called with the tensors before any of them is written
template <class Check>
void write_checkpoint(AtomicFile& file, const std::filesystem::path& path, const CheckpointWriter& run,
                      const Check& check) {
  std::vector<NamedTensor> tensors = run.tensors();
  check(std::as_const(tensors));
  const auto metadata = with_checksum(run.metadata(), tensors);
  write_safetensors_to(file, path, std::move(tensors), metadata);
}

}  // namespace detail

/// Writes all that a run needs to resume bitwise identically, as one safetensors file, atomically: a run that is killed
/// at any moment leaves the last file whole. The weights have the names and layouts of `save_weights`, so
/// `load_weights` and PyTorch read it too.
///
/// The parts of a run are listed once, for writing and reading, by a function that calls visit(name, part) for each
/// part: modules (whose fields' names are appended to the name and a dot; "" adds no prefix), optimisers, moving
/// averages, random streams, whole numbers, a std::optional<double>, histories.
///
///     const auto state = [&](auto&& visit) {
///       visit("", model), visit("optimizer", optimizer), visit("rng", rng), visit("step", step), visit("history",
///       history);
///     };
///     fb::save_checkpoint("run.safetensors", state);
///
/// @throws Error  if two parts share a name, or the file cannot be written
template <class State>
void save_checkpoint(const std::filesystem::path& path, const State& state) {
  detail::CheckpointWriter run;
  state(run);
  AtomicFile file(path);
  detail::write_checkpoint(file, path, run, [](const auto&) {});
  file.commit();
}

/// Options of resuming from a checkpoint.
struct ResumeOptions {
  bool any_model = false;  ///< also accepts a model of another type with the same names and shapes
};

/// Restores every part from a file of `save_checkpoint`.
/// @throws Error  if the file cannot be read or is damaged, if its parts are not exactly these in the same scalar
///                (load_weights converts to another), or if its modules have other types: names each mismatch; nothing
///                has been changed then
template <class State>
void load_checkpoint(const std::filesystem::path& path, const State& state, ResumeOptions how = {}) {
  detail::CheckpointReader reader{detail::Loading(read_safetensors(path), detail::Loading::Types::exact),
                                  how.any_model};
  state(reader);
  reader.loading.finish(detail::is_batch_count);
}

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/checkpoint.ipp>
#endif
