// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <flipbook/backend/cuda/runtime/device.hpp>
#include <flipbook/core/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// The data of a captured step besides its graph: a table of values that differ between replays, written on the host
/// and copied to the device before each replay, and the values that the step reports.
class Capture {
 public:
  Capture(int device, cudaStream_t stream, const Rng& rng) : stream_(stream), begin_(rng) {
    const OnDevice on(device);
    check(cudaMallocHost(reinterpret_cast<void**>(&host_), bytes), "capture");
    const cudaError_t status = cudaMalloc(reinterpret_cast<void**>(&table_), bytes);
    if (status != cudaSuccess) free();
    check(status, "capture");
    notes_before_ = std::exchange(flipbook::detail::rng_notes, &notes_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() { free(); }

  /// The device address of a value that differs between replays, `value` at first. Called again before a replay, in the
  /// same order, it writes that replay's value and returns null.
  /// @throws Error  if a replay writes a value that was not captured, or if the table is full
  const void* vary(const void* value, std::size_t size) {
    if (refreshing_) {
      require(next_varied_ < varied_.size() && varied_[next_varied_].second == size,
              "capture: a step has come to take other values than the one captured");
      write(varied_[next_varied_++].first, value, size);
      return nullptr;
    }
    varied_.emplace_back(place(value, size), size);
    return table_ + varied_.back().first;
  }
  /// The device address of a stream of random numbers.
  const Rng* draws(const Rng& rng) {
    const std::size_t at = place(&rng, sizeof(Rng));
    drawn_.push_back({at, rng});
    return reinterpret_cast<const Rng*>(table_ + at);
  }
  /// The host and device addresses of a value that is the same in every replay and is known by the end of the capture;
  /// none if half of the table is used.
  std::optional<std::pair<void*, const void*>> note(std::size_t size) {
    if (used_ + size > bytes / 2) return {};  // the other half is for values without an alternative
    const std::size_t at = reserve(size);
    return std::pair<void*, const void*>(host_ + at, table_ + at);
  }
  /// Calls f() before each replay.
  void at_replay(std::function<void()> f) {
    if (!refreshing_) before_.push_back(std::move(f));
  }
  bool refreshing() const noexcept { return refreshing_; }
  /// Calls f() after each replay, when the promised values are available.
  void after_replay(std::function<void()> f) { after_.push_back(std::move(f)); }
  void finish() const {
    for (const auto& f : after_) f();
  }

  /// Placeholders for N values on the device, until a replay has computed them: NaNs whose bits identify the value,
  /// also after a change of sign.
  template <std::size_t N = 1>
  std::array<double, N> promise(const double* on_device) {
    const std::size_t at = reserve(N * sizeof(double));
    check(cudaMemcpyAsync(host_ + at, on_device, N * sizeof(double), cudaMemcpyDefault, stream_), "a number reported");
    std::array<double, N> promises;
    for (std::size_t i = 0; i < N; ++i) promises[i] = std::bit_cast<double>(promised | (at + i * sizeof(double)));
    return promises;
  }
  /// The value of a placeholder after a replay; any other number is returned unchanged.
  double kept(double number) const noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(number);
    constexpr std::uint64_t sign = std::uint64_t{1} << 63, place = 0xffffffff;
    if ((bits & ~sign & ~place) != promised) return number;
    double value;
    std::memcpy(&value, host_ + (bits & place), sizeof(double));
    return (bits & sign) != 0 ? -value : value;
  }

  /// Ends the capture, with the step's stream of random numbers after the step.
  /// @throws Error  if the host has drawn a number, which would be the same in every replay
  void end_of(const Rng& rng) {
    end_ = rng;
    flipbook::detail::rng_notes = notes_before_;
    require(!notes_.drawn, "the host drew a random number in it");
  }

  /// Writes the table for a step that begins at `rng`, and advances `rng` by the step.
  void refresh(Rng& rng) {
    for (const auto& [at, captured] : drawn_) {
      const Rng now = translated(captured, rng);
      write(at, &now, sizeof(Rng));
    }
    refreshing_ = true;
    next_varied_ = 0;
    for (const auto& f : before_) f();
    refreshing_ = false;
    rng.skip(end_.position() - begin_.position());
  }
  /// Enqueues the copy of the table to the device.
  void upload() {
    check(cudaMemcpyAsync(table_, host_, used_, cudaMemcpyDefault, stream_), "a captured step's numbers");
  }

  void free() noexcept {
    if (flipbook::detail::rng_notes == &notes_) flipbook::detail::rng_notes = notes_before_;
    before_.clear(), after_.clear();
    if (host_ != nullptr) cudaFreeHost(std::exchange(host_, nullptr));
    if (table_ != nullptr) cudaFree(std::exchange(table_, nullptr));
  }

 private:
  static constexpr std::size_t bytes = 64 * 1024;
  static constexpr std::uint64_t promised = 0x7ff9'464c'0000'0000;

  std::size_t reserve(std::size_t size) {
    const std::size_t at = used_;
    used_ += std::max<std::size_t>((size + 15) / 16 * 16, 16);
    require(used_ <= bytes, "capture: a step with more than ", bytes, " bytes of numbers that change");
    return at;
  }
  std::size_t place(const void* value, std::size_t size) {
    const std::size_t at = reserve(size);
    write(at, value, size);
    return at;
  }
  void write(std::size_t at, const void* value, std::size_t size) { std::memcpy(host_ + at, value, size); }

  // The stream of a step that begins at `now`, in place of the stream `captured` of the captured step.
  Rng translated(const Rng& captured, const Rng& now) const {
    const auto same = [](const Rng& a, const Rng& b) { return a.seed() == b.seed() && a.stream() == b.stream(); };
    if (same(captured, begin_)) {
      return Rng::at(now.seed(), now.stream(), captured.position() - begin_.position() + now.position());
    }
    for (const auto& [parent, child] : notes_.splits) {
      if (!same(captured, child)) continue;
      const Rng split = translated(parent, now).split();
      return Rng::at(split.seed(), split.stream(), captured.position());
    }
    return captured;  // an unrelated stream, the same in every step
  }

  cudaStream_t stream_;
  Rng begin_, end_;
  unsigned char *host_ = nullptr, *table_ = nullptr;
  std::size_t used_ = 0, next_varied_ = 0;
  bool refreshing_ = false;
  std::vector<std::pair<std::size_t, std::size_t>> varied_;  // offsets, sizes
  std::vector<std::pair<std::size_t, Rng>> drawn_;
  flipbook::detail::RngNotes notes_, *notes_before_ = nullptr;
  std::vector<std::function<void()>> before_, after_;
};

}  // namespace flipbook::cuda
