// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <flipbook/core/isa.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// What a step that is captured has worked out of some memory and may need again, such as weights in another order, for
/// as long as that memory is neither released nor written to by what changes tensors in place: copies, element-wise
/// functions, optimisers. Only a capture keeps such things, since all that is launched in it goes through the library.
class Derived {
 public:
  Derived() = default;
  Derived(const Derived&) = delete;
  Derived& operator=(const Derived&) = delete;
  ~Derived() { forget_all(); }

  /// Those of the step that the calling thread captures, or null.
  static Derived*& of_thread() noexcept {
    static thread_local constinit Derived* now = nullptr;
    return now;
  }

  /// The matrix `from` of so many rows and columns, transposed; null if it is not there.
  const void* find(const void* from, Index rows, Index columns) const noexcept {
    for (const Entry& entry : entries_) {
      if (entry.from == from && entry.rows == rows && entry.columns == columns) return entry.made;
    }
    return nullptr;
  }
  /// Room for it; the caller launches what fills it.
  void* make(const void* from, Index rows, Index columns, std::size_t bytes);

  void forget_all() noexcept { forget(nullptr, ~std::size_t{0}); }
  void forget(const void* first, std::size_t bytes) noexcept;

 private:
  struct Entry {
    const void* from;
    Index rows, columns;
    void* made;
    std::size_t bytes;
  };
  std::vector<Entry> entries_;
};

/// To be called by what is about to launch a write to memory that others may have read.
inline void note_write(const void* to, std::size_t bytes) noexcept {
  if (Derived* const derived = Derived::of_thread()) derived->forget(to, bytes);
}

}  // namespace flipbook::cuda
