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

/// Matrices of one scalar type that one launch transposes, from (rows, columns) to (columns, rows).
struct Transposes {
  static constexpr int most = 32;
  struct Matrix {
    const void* from;
    void* to;
    Index rows, columns, tiles;  ///< tiles of this matrix and of those before it
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

/// The transposed matrices that a captured step may need again, such as weights in another order. Each is kept until
/// its source is released or is changed in place: by a copy, an element-wise function or an optimiser. Transposes that
/// are not read at once, such as those of weights' gradients, are deferred and launched together. Only a capture keeps
/// these, since all of its launches are made by the library.
class Derived {
 public:
  using Launch = void (*)(const Transposes&);

  Derived() = default;
  Derived(const Derived&) = delete;
  Derived& operator=(const Derived&) = delete;
  ~Derived() { forget_all(); }

  /// The instance of the step that the calling thread captures, or null.
  static Derived*& of_thread() noexcept {
    static thread_local constinit Derived* now = nullptr;
    return now;
  }

  /// The transpose of the matrix `from` (rows, columns); null if it is not kept.
  const void* find(const void* from, Index rows, Index columns) const noexcept {
    for (const Entry& entry : entries_) {
      if (entry.from == from && entry.rows == rows && entry.columns == columns) return entry.made;
    }
    return nullptr;
  }
  /// Memory for the transpose; the caller launches the kernel that fills it.
  void* make(const void* from, Index rows, Index columns, std::size_t bytes);

  /// Memory for the transpose, filled by an earlier launch whose list is in the step's table and grows until the step
  /// is replayed. Null if the step computes the matrix, or if the table is full. A new list calls launch(its address on
  /// the device); `launch` must be the same function for all matrices of one scalar type.
  void* make_together(const void* from, Index rows, Index columns, std::size_t bytes,
                      void (*launch)(const Transposes*));

  /// Defers the transpose of `from` (rows, columns) until settle() or a write to `to`: launch(list) then computes all
  /// deferred transposes. Keeps `from` alive until then.
  void transpose_later(std::shared_ptr<void> from, void* to, Index rows, Index columns, std::size_t bytes,
                       Launch launch);
  /// Launches the deferred transposes. To be called before any of them is read.
  void settle();

  void forget_all() noexcept;
  /// To be called before a write to memory that may have been read, before memory is released, and when it is lent.
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
    int last;  // the number of lists when it was last lent or released
  };
  struct Waiting {
    Extent to;
    std::shared_ptr<void> from;
  };

  bool of_step(const void* from) const noexcept;
  void forget(const void* first, std::size_t bytes) noexcept;
  // Memory that has not been used since the last list was launched.
  void* unused_since_list(std::size_t bytes);

  std::vector<Entry> entries_;
  std::map<std::uintptr_t, Lent> lent_;  // by address
  Transposes* list_ = nullptr;           // the last list, on the host
  const void* list_kind_ = nullptr;
  int lists_ = 0;
  std::vector<Extent> written_;  // since that list was launched
  Transposes later_;
  Launch launch_later_ = nullptr;
  std::vector<Waiting> waiting_;
};

/// To be called before the launch of a write to memory that may have been read.
inline void note_write(const void* to, std::size_t bytes) {
  if (Derived* const derived = Derived::of_thread()) derived->written(to, bytes);
}

/// Launches the transposes that a captured step has deferred, before they are read.
inline void settle() {
  if (Derived* const derived = Derived::of_thread()) derived->settle();
}

}  // namespace flipbook::cuda
