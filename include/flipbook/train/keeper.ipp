// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/keeper.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::filesystem::path with_word(std::filesystem::path path, const std::string& word) {
  const std::filesystem::path extension = path.extension();
  path.replace_extension(word);
  return path += extension;
}

}  // namespace detail

FLIPBOOK_INLINE std::filesystem::path best_checkpoint(const std::filesystem::path& path) {
  return detail::with_word(path, "best");
}

FLIPBOOK_INLINE std::filesystem::path older_checkpoint(const std::filesystem::path& path, Index steps) {
  const std::string digits = std::to_string(steps);
  return detail::with_word(path, std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits);
}

namespace detail {

FLIPBOOK_INLINE bool all_finite(const NamedTensor& x) {
  const auto finite = [](const auto& numbers) {
    return std::ranges::all_of(numbers, [](auto number) { return std::isfinite(number); });
  };
  return x.stored() == Stored::f64 ? finite(x.get<double>()) : finite(x.get<float>());
}

FLIPBOOK_INLINE CheckpointKeeper::CheckpointKeeper(std::filesystem::path path, Index keep, bool best)
    : path_(std::move(path)), keep_(keep), best_(best) {
  require(keep >= 1, "training: at least one checkpoint is kept, not ", keep);
  std::error_code none;
  if (keep_ > 1 && std::filesystem::exists(path_, none)) newest_ = steps_of(path_);
}

FLIPBOOK_INLINE void CheckpointKeeper::try_out(const CheckpointWriter& run) const {
  AtomicFile file(path_);
  write_checkpoint(file, path_, run, [](const auto&) {});
  file.sync();
  if (best_) AtomicFile beside(best_checkpoint(path_));
  if (keep_ > 1) AtomicFile beside(older_checkpoint(path_, StepCount::most));
  if (!best_ && keep_ == 1) return;
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(file.temporary(), unknown);
  const auto room = std::filesystem::space(file.temporary().parent_path() / ".", unknown).available;
  std::error_code none;
  const auto there = older().size() + std::filesystem::exists(best_checkpoint(path_), none);
  const auto wanted = static_cast<std::size_t>(keep_ - 1) + best_;
  require(unknown || wanted <= there || wanted - there <= room / std::max<std::uintmax_t>(bytes, 1),
          "training: there is no room for ", wanted, " more checkpoints of ", bytes, " bytes beside ", quoted(path_),
          ", where ", room, " bytes are free");
}

FLIPBOOK_INLINE bool CheckpointKeeper::busy() const {
  return writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

FLIPBOOK_INLINE void CheckpointKeeper::keep(std::shared_ptr<const CheckpointWriter> run, Index steps, bool newest,
                                            bool best) {
  wait();
  if (best) unwritten_best_ = run;
  writing_ = std::async(std::launch::async, [this, run = std::move(run), steps, newest] {
    set_threads(1);  // of this thread's loops: the cores are those of the training
    said([&] { write(newest ? run.get() : nullptr, steps); });
  });
}

FLIPBOOK_INLINE void CheckpointKeeper::keep_now(const CheckpointWriter& run, Index steps) {
  wait();
  write(&run, steps);
}

FLIPBOOK_INLINE void CheckpointKeeper::wait() {
  if (writing_.valid()) writing_.get();
}

FLIPBOOK_INLINE void CheckpointKeeper::write(const CheckpointWriter* run, Index steps) {
  if (unwritten_best_ != nullptr) {
    AtomicFile file(best_checkpoint(path_));
    write_finite(file, *unwritten_best_, steps);
    file.commit();
    unwritten_best_ = nullptr;
  }
  if (run == nullptr) return;
  AtomicFile file(path_);
  write_finite(file, *run, steps);
  file.sync();
  if (keep_ > 1 && newest_ && *newest_ != steps) keep_as(older_checkpoint(path_, *newest_));
  file.commit();
  newest_ = steps;
  if (keep_ > 1) prune();
}

FLIPBOOK_INLINE void CheckpointKeeper::write_finite(AtomicFile& file, const CheckpointWriter& run, Index steps) const {
  write_checkpoint(file, path_, run, [&](const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& tensor : tensors) {
      if (tensor.name().starts_with(training_prefix) || all_finite(tensor)) continue;
      throw NotFinite(text("training: the model is not finite after ", steps, " steps ('", tensor.name(), "'), and ",
                           quoted(path_), " was not written; lower the learning rate"));
    }
  });
}

FLIPBOOK_INLINE void CheckpointKeeper::keep_as(const std::filesystem::path& name) const {
  std::error_code none;
  std::filesystem::remove(name, none);  // of the same number of steps
  if (::linkat(AT_FDCWD, path_.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
  write_file(name, read_file(path_));  // not every file system has links
}

FLIPBOOK_INLINE void CheckpointKeeper::prune() const {
  std::vector<Index> all = older();
  if (std::ssize(all) < keep_) return;
  all.resize(all.size() - static_cast<std::size_t>(keep_ - 1));
  std::error_code left;  // what cannot be removed is tried again
  for (const Index steps : all) std::filesystem::remove(older_checkpoint(path_, steps), left);
}

FLIPBOOK_INLINE std::vector<Index> CheckpointKeeper::older() const {
  std::vector<Index> found;
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string digits = entry.path().stem().extension().string();  // .000800
    Index steps = 0;
    if (digits.size() < 2 || !separated(std::string_view(digits).substr(1), steps)) continue;
    if (steps < newest_.value_or(0) && entry.path().filename() == older_checkpoint(path_, steps).filename()) {
      found.push_back(steps);
    }
  }
  std::ranges::sort(found);
  return found;
}

FLIPBOOK_INLINE std::optional<Index> CheckpointKeeper::steps_of(const std::filesystem::path& path) {
  try {
    const SafetensorsFile file = read_safetensors(path);
    const auto found = file.metadata.find("steps");
    Index steps = 0;
    if (found != file.metadata.end() && separated(found->second, steps)) return steps;
    return std::nullopt;
  } catch (const Error&) {  // no checkpoint of a Trainer
    return std::nullopt;
  }
}

FLIPBOOK_INLINE std::optional<double> best_so_far(std::optional<double> remembered, const std::filesystem::path& path,
                                                  bool higher_is_better) {
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return remembered;
  std::optional<double> in_file;
  const auto read = [&] {
    const Loading file(read_safetensors(path));
    const auto found = file.file().metadata.find("best");
    double value = 0;
    if (found != file.file().metadata.end() && separated(found->second, value)) in_file = value;
  };
  CheckpointKeeper::said(read, "the best of before is passed over");
  if (!in_file || !remembered) return in_file ? in_file : remembered;
  return higher_is_better ? std::max(*in_file, *remembered) : std::min(*in_file, *remembered);
}

}  // namespace detail

}  // namespace flipbook
