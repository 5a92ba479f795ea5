// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include <flipbook/core/size_classes.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// An allocator of large blocks from chunks of memory. It returns the best-fitting free block, keeps the remainder
/// free, and merges adjacent free blocks, so that freed memory can be reused in other sizes. Boundary tags; Knuth, The
/// art of computer programming, volume 1, section 2.5.
class Heap {
 public:
  static constexpr std::size_t least = std::size_t{1} << 15;  ///< bytes of the smallest block worth its bookkeeping

  /// A block of at least `bytes` (≥ `least`), or null if no free block is large enough.
  void* take(std::size_t bytes) noexcept {
    const std::size_t size = rounded(bytes);
    for (std::size_t index = class_of(size); index < free_.size(); ++index) {
      Tag* best = nullptr;
      for (Tag* tag = free_[index]; tag != nullptr; tag = tag->next) {
        if (tag->size >= size && (best == nullptr || tag->size < best->size)) best = tag;
      }
      if (best != nullptr) return lent(best, size);
    }
    return nullptr;
  }
  /// Frees a block.
  void put(void* data) noexcept {
    Tag* tag = tag_of(data);
    if (Tag* const after = tag->after(); after->free) join(tag, unlinked(after));
    if (Tag* const before = tag->before(); before != nullptr && before->free) join(unlinked(before), tag), tag = before;
    link(tag);
  }
  /// The size of an allocated block, in bytes.
  static std::size_t size_of(const void* data) noexcept { return tag_of(const_cast<void*>(data))->size - unit; }

  /// The size of a chunk that can hold a block of `bytes`.
  static std::size_t chunk_for(std::size_t bytes) noexcept { return rounded(bytes) + unit; }
  /// Adds a chunk of memory to allocate from. Its address and its size in bytes are multiples of the unit.
  void add(void* chunk, std::size_t bytes) noexcept {
    Tag* const tag = new (chunk) Tag{bytes - unit, 0};
    new (tag->after()) Tag{0, tag->size};  // the chunk's end, never free
    link(tag);
  }
  /// Removes every chunk without allocated blocks and calls release(chunk, bytes) for it.
  template <class Release>
  void trim(const Release& release) noexcept {
    for (Tag* tag : free_) {
      while (tag != nullptr) {
        Tag* const next = tag->next;
        if (tag->before() == nullptr && tag->after()->size == 0) release(unlinked(tag), tag->size + unit);
        tag = next;
      }
    }
  }

 private:
  static constexpr std::size_t unit = SizeClasses::unit;

  /// The header of each block.
  struct alignas(SizeClasses::unit) Tag {
    std::size_t size;            // including the tag; 0 at the end of a chunk
    std::size_t size_of_before;  // 0 at the beginning of a chunk
    bool free = false;
    Tag *next = nullptr, *previous = nullptr;  // free blocks of the same class

    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
    Tag* after() noexcept { return reinterpret_cast<Tag*>(begin() + size); }
    Tag* before() noexcept { return size_of_before == 0 ? nullptr : reinterpret_cast<Tag*>(begin() - size_of_before); }
  };
  static_assert(sizeof(Tag) == unit);

  static Tag* tag_of(void* data) noexcept { return reinterpret_cast<Tag*>(static_cast<std::byte*>(data) - unit); }
  static std::size_t rounded(std::size_t bytes) noexcept { return (bytes + 2 * unit - 1) / unit * unit; }
  /// The largest size class whose blocks are not larger than `size`.
  static std::size_t class_of(std::size_t size) noexcept {
    const auto [index, fits] = SizeClasses::of(size);
    return fits > size ? index - 1 : index;
  }

  void* lent(Tag* tag, std::size_t size) noexcept {
    unlinked(tag);
    if (tag->size >= size + least) {
      Tag* const rest = new (tag->begin() + size) Tag{tag->size - size, size};
      rest->after()->size_of_before = rest->size;
      tag->size = size;
      link(rest);
    }
    return tag->begin() + unit;
  }
  static void join(Tag* tag, const Tag* after) noexcept {
    tag->size += after->size;
    tag->after()->size_of_before = tag->size;
  }
  void link(Tag* tag) noexcept {
    Tag*& head = free_[class_of(tag->size)];
    tag->free = true, tag->previous = nullptr, tag->next = head;
    if (head != nullptr) head->previous = tag;
    head = tag;
  }
  Tag* unlinked(Tag* tag) noexcept {
    (tag->previous != nullptr ? tag->previous->next : free_[class_of(tag->size)]) = tag->next;
    if (tag->next != nullptr) tag->next->previous = tag->previous;
    tag->free = false;
    return tag;
  }

  std::array<Tag*, SizeClasses::count> free_{};
};

}  // namespace flipbook
