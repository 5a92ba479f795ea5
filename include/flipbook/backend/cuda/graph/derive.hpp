// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <new>
#include <utility>

#include <flipbook/backend/cuda/runtime/stream.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

inline bool Derived::Extent::meets(const void* other, std::size_t size) const noexcept {
  const auto offset = [](const void* a, const void* b) {
    return std::bit_cast<std::uintptr_t>(a) - std::bit_cast<std::uintptr_t>(b);
  };
  return offset(first, other) < size || offset(other, first) < bytes;
}

inline void* Derived::make(const void* from, Index rows, Index columns, std::size_t bytes) {
  entries_.reserve(entries_.size() + 1);
  entries_.push_back({from, rows, columns, Cuda::allocate(bytes), bytes});
  return entries_.back().made;
}

inline void* Derived::make_together(const void* from, Index rows, Index columns, std::size_t bytes,
                                    void (*launch)(const Transposes*)) {
  if (of_step(from)) return nullptr;
  const auto* const kind = std::bit_cast<const void*>(launch);
  bool begins = list_ == nullptr || list_kind_ != kind || list_->full();
  for (const Extent& written : written_) begins = begins || written.meets(from, bytes);
  if (begins) {
    const auto place = queue().capture->note(sizeof(Transposes));
    if (!place) return nullptr;
    launch(static_cast<const Transposes*>(place->second));
    list_ = new (place->first) Transposes, list_kind_ = kind;
    ++lists_;
    written_.clear();
  }
  entries_.reserve(entries_.size() + 1);
  entries_.push_back({from, rows, columns, unused_since_list(bytes), bytes});
  list_->add(from, entries_.back().made, rows, columns);
  return entries_.back().made;
}

inline void Derived::transpose_later(std::shared_ptr<void> from, void* to, Index rows, Index columns, std::size_t bytes,
                                     Launch launch) {
  if (later_.full() || (launch_later_ != launch && later_.count > 0)) settle();
  launch_later_ = launch;
  later_.add(from.get(), to, rows, columns);
  waiting_.push_back({{to, bytes}, std::move(from)});
}

inline void Derived::settle() {
  if (later_.count == 0) return;
  const Transposes list = std::exchange(later_, {});
  const auto kept = std::exchange(waiting_, {});  // until the launch is on the stream
  launch_later_(list);
}

inline void Derived::forget_all() noexcept {
  later_ = {};
  std::exchange(waiting_, {}).clear();
  forget(nullptr, ~std::size_t{0});
  lent_.clear(), written_.clear();
  list_ = nullptr;
}

inline void Derived::written(const void* first, std::size_t bytes) {
  for (const Waiting& one : waiting_) {
    if (!one.to.meets(first, bytes)) continue;
    settle();
    break;
  }
  if (list_ != nullptr && !of_step(first)) written_.push_back({first, bytes});
  forget(first, bytes);
}

inline void Derived::released(const void* first, std::size_t bytes) noexcept {
  for (std::size_t i = waiting_.size(); i-- > 0;) {  // their results will not be read
    if (!waiting_[i].to.meets(first, bytes)) continue;
    Transposes rest;
    for (int k = 0; k < later_.count; ++k) {
      const auto& matrix = later_.matrix[k];
      if (k != static_cast<int>(i)) rest.add(matrix.from, matrix.to, matrix.rows, matrix.columns);
    }
    later_ = rest;
    const Waiting unread = std::move(waiting_[i]);  // its destruction calls this function again
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    i = waiting_.size();
  }
  lent(first, bytes);
  forget(first, bytes);
}

inline void Derived::lent(const void* first, std::size_t bytes) {
  lent_.insert_or_assign(std::bit_cast<std::uintptr_t>(first), Lent{bytes, lists_});
}

inline bool Derived::of_step(const void* from) const noexcept {
  const auto at = std::bit_cast<std::uintptr_t>(from);
  auto after = lent_.upper_bound(at);
  return after != lent_.begin() && at - std::prev(after)->first < std::prev(after)->second.bytes;
}

inline void* Derived::unused_since_list(std::size_t bytes) {
  std::vector<void*> used;
  void* block = Cuda::lend(bytes);
  while (true) {
    const auto known = lent_.find(std::bit_cast<std::uintptr_t>(block));
    if (known == lent_.end() || known->second.last < lists_) break;
    used.push_back(std::exchange(block, Cuda::lend(bytes)));
  }
  lent(block, bytes);
  for (void* const other : used) Cuda::release(other, bytes);
  return block;
}

inline void Derived::forget(const void* first, std::size_t bytes) noexcept {
  for (std::size_t i = entries_.size(); i-- > 0;) {
    const Entry entry = entries_[i];
    if (!Extent{entry.from, entry.bytes}.meets(first, bytes)) continue;
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
    Cuda::release(entry.made, entry.bytes);  // calls this function again, which finds no entry
  }
}

}  // namespace flipbook::cuda
