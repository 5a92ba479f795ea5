// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iosfwd>
#include <string>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The extents of a tensor, outermost axis first, for at most six axes; rank 0 is a single number. Negative axes count
/// from the end: -1 is the last.
/// @throws Error  for a negative extent, a seventh axis, or an axis outside the rank
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<Index> extents) : Shape(extents.begin(), extents.end()) {}
  template <class Iterator>
  Shape(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(static_cast<Index>(*first));
  }

  /// A shape of `rank` axes, each of `extent`.
  static Shape filled(int rank, Index extent) {
    Shape shape;
    for (int axis = 0; axis < rank; ++axis) shape.push_back(extent);
    return shape;
  }

  int rank() const noexcept { return rank_; }
  Index size() const noexcept {
    Index product = 1;
    for (const Index extent : *this) product *= extent;
    return product;
  }

  Index operator[](int axis) const { return extents_[place(axis)]; }
  Index& operator[](int axis) { return extents_[place(axis)]; }
  Index front() const { return (*this)[0]; }
  Index back() const { return (*this)[-1]; }

  const Index* begin() const noexcept { return extents_.data(); }
  const Index* end() const noexcept { return extents_.data() + rank_; }

  void push_back(Index extent) {
    require(rank_ < max_rank, "Shape: a tensor has at most ", max_rank, " axes");
    require(extent >= 0, "Shape: an extent must not be negative, got ", extent);
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }

  /// The axes [first, last) alone.
  Shape part(int first, int last) const { return Shape(begin() + first, begin() + last); }
  /// All axes but the last `count`, then `more`.
  Shape with_tail(int count, std::initializer_list<Index> more) const {
    Shape shape = part(0, rank_ - count);
    for (const Index extent : more) shape.push_back(extent);
    return shape;
  }

  /// The index of `axis`, which may be negative, in [0, rank).
  std::size_t place(int axis) const {
    const int from_front = axis < 0 ? axis + rank_ : axis;
    require(from_front >= 0 && from_front < rank_, "Shape: axis ", axis, " of a tensor of rank ", rank_);
    return static_cast<std::size_t>(from_front);
  }

  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend std::string to_string(const Shape& shape) {
    std::string joined = "(";
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (axis > 0) joined += ", ";
      joined += std::to_string(shape[axis]);
    }
    return joined + ")";
  }
  /// A template, so that only code that writes to a stream includes <ostream>.
  template <class Traits>
  friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const Shape& shape) {
    return out << to_string(shape);
  }

 private:
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

FLIPBOOK_TEMPLATE(void detail::Part::append<Shape>(std::string&, const void*));

}  // namespace flipbook
