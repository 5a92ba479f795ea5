// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <flipbook/core/isa.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Matrices that one launch transposes, numbers of one type: to (columns, rows) from (rows, columns).
struct Transposes {
  static constexpr int most = 32;
  struct Matrix {
    const void* from;
    void* to;
    Index rows, columns, tiles;  ///< tiles of it and of those before it
  };
  int count = 0;
  Matrix matrix[most];

  constexpr bool full() const noexcept { return count == most; }
  constexpr Index tiles() const noexcept { return count == 0 ? 0 : matrix[count - 1].tiles; }
  void add(const void* from, void* to, Index rows, Index columns) noexcept {
    const Index own = (rows + 31) / 32 * ((columns + 31) / 32);
    matrix[count] = {from, to, rows, columns, tiles() + own};
    ++count;
  }
};

/// What a step that is captured has worked out of some memory and may need again, such as weights in another order, for
/// as long as that memory is neither released nor written to by what changes tensors in place: copies, element-wise
/// functions, optimisers. And what it will work out later, together with others: gradients in the order of their
/// weights. Only a capture keeps such things, since all that is launched in it goes through the library.
class Derived {
 public:
  using Launch = void (*)(const Transposes&);

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

  /// Room for it that an earlier launch fills, whose list is in the step's table and grows until the step is replayed;
  /// null where the matrix is not as it was then. Before the first of a list, launch(where it will be on the device) is
  /// called, which must be the same for all numbers of one type.
  void* make_together(const void* from, Index rows, Index columns, std::size_t bytes,
                      void (*launch)(const Transposes*));

  /// Keeps `from`, a matrix of so many rows and columns, until settle() or a write to `to`, when launch(list)
  /// transposes all that were kept so.
  void transpose_later(std::shared_ptr<void> from, void* to, Index rows, Index columns, std::size_t bytes,
                       Launch launch);
  /// Launches what is to be launched later. To be called before any of it is read.
  void settle();

  void forget_all() noexcept;
  /// To be called before a write to memory that others may have read, before memory is released, and when it is lent.
  void written(const void* first, std::size_t bytes);
  void released(const void* first, std::size_t bytes) noexcept;
  void lent(const void* first, std::size_t bytes);

 private:
  struct Extent {
    const void* first;
    std::size_t bytes;

    bool meets(const void* other, std::size_t size) const noexcept;
  };
  struct Entry {
    const void* from;
    Index rows, columns;
    void* made;
    std::size_t bytes;
  };
  struct Lent {
    std::size_t bytes;
    int last;  // the number of lists there were when it was lent or released last
  };
  struct Waiting {
    Extent to;
    std::shared_ptr<void> from;
  };

  bool of_step(const void* from) const noexcept;
  void forget(const void* first, std::size_t bytes) noexcept;
  // Memory that nothing has used since the last list was launched.
  void* unused_since_list(std::size_t bytes);

  std::vector<Entry> entries_;
  std::map<std::uintptr_t, Lent> lent_;  // by their beginning
  Transposes* list_ = nullptr;           // the last one, on the host
  const void* list_kind_ = nullptr;
  int lists_ = 0;
  std::vector<Extent> written_;  // since that list was launched
  Transposes later_;
  Launch launch_later_ = nullptr;
  std::vector<Waiting> waiting_;
};

/// To be called by what is about to launch a write to memory that others may have read.
inline void note_write(const void* to, std::size_t bytes) {
  if (Derived* const derived = Derived::of_thread()) derived->written(to, bytes);
}

/// Launches what a captured step has put off, before it is read.
inline void settle() {
  if (Derived* const derived = Derived::of_thread()) derived->settle();
}

}  // namespace flipbook::cuda
