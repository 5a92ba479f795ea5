// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <flipbook/core/error.hpp>
#include <flipbook/core/memory.hpp>
#include <flipbook/core/scalar.hpp>
#include <flipbook/core/shape.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/backend/cuda/runtime/copy.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA {

/// An array of numbers in a backend's memory: contiguous, outermost axis first, channels last (images
/// (N, H, W, C), video (N, T, H, W, C), tokens (N, L, C)).
///
/// A tensor is a handle: copies, reshapes and slices of the leading axis share one block of memory. Operations return
/// new tensors and do not change their arguments; `clone` returns an independent copy.
template <Element T, class B = Cpu>
class Tensor {
 public:
  using Scalar = T;
  using Backend = B;

  /// An empty handle, which converts to false.
  Tensor() = default;

  /// A tensor with uninitialised elements.
  explicit Tensor(const Shape& shape)
      : storage_(static_cast<std::size_t>(shape.size()) * sizeof(T)),
        data_(static_cast<T*>(storage_.data())),
        shape_(shape) {
#ifdef FLIPBOOK_POISON  // an element that is never written is NaN, or the largest integer
    if constexpr (std::same_as<B, Cpu>) {
      using Limits = std::numeric_limits<T>;
      for (Index i = 0; i < size(); ++i) {
        if constexpr (Short<T>) data_[i] = T(std::numeric_limits<float>::quiet_NaN());
        else data_[i] = Limits::has_quiet_NaN ? Limits::quiet_NaN() : Limits::max();
      }
    }
#endif
  }

  /// A tensor of the given elements, outermost axis first.
  /// @throws Error if their number is not the shape's size
  Tensor(const Shape& shape, std::span<const T> elements) : Tensor(shape) {
    require(static_cast<Index>(elements.size()) == size(), "Tensor: ", elements.size(), " elements for shape ", shape);
    if (size() > 0) B::copy(data_, elements.data(), elements.size_bytes());
  }
  Tensor(const Shape& shape, std::initializer_list<T> elements)
      : Tensor(shape, std::span<const T>(elements.begin(), elements.size())) {}

  explicit operator bool() const noexcept { return data_ != nullptr; }

  const Shape& shape() const noexcept { return shape_; }
  int rank() const noexcept { return shape_.rank(); }
  Index size() const noexcept { return shape_.size(); }
  /// The extent along `axis`; negative axes count from the end.
  Index extent(int axis) const { return shape_[axis]; }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size(); }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size(); }

  /// The element of a tensor with one element, copied to the host.
  /// @throws Error  if there are more or none
  T item() const {
    require(size() == 1, "item: needs a tensor of one element, got shape ", shape_);
    T value;
    B::copy(&value, data_, sizeof(T));
    return value;
  }

  /// A view of the same elements with another shape; one extent may be -1, to be inferred.
  /// @throws Error  if the sizes differ
  Tensor reshape(std::initializer_list<Index> extents) const {
    Index known = 1;
    for (const Index extent : extents) known *= extent == -1 ? 1 : extent;
    Shape shape;
    for (const Index extent : extents) shape.push_back(extent == -1 && known > 0 ? size() / known : extent);
    return reshape(shape);
  }
  Tensor reshape(const Shape& shape) const {
    require(shape.size() == size(), "reshape: ", shape_, " does not fit into ", shape);
    Tensor view = *this;
    view.shape_ = shape;
    return view;
  }

  /// A view of elements [first, last) of the leading axis.
  /// @throws Error  if they are outside it
  Tensor slice(Index first, Index last) const {
    require(rank() > 0 && 0 <= first && first <= last && last <= extent(0), "slice: [", first, ", ", last,
            ") of the leading axis of ", shape_);
    Tensor view = *this;
    view.shape_[0] = last - first;
    if (extent(0) > 0) view.data_ += first * (size() / extent(0));
    return view;
  }
  /// A view of element `i` of the leading axis, without that axis.
  /// @throws Error  if i is outside it
  Tensor operator[](Index i) const {
    Tensor view = slice(i, i + 1);
    view.shape_ = shape_.part(1, rank());
    return view;
  }

  /// An independent copy.
  Tensor clone() const {
    Tensor copy(shape_);
    if (size() > 0) B::copy(copy.data_, data_, static_cast<std::size_t>(size()) * sizeof(T));
    return copy;
  }

  /// Whether no other handle shares the memory, so that it may be overwritten.
  bool unique() const noexcept { return storage_.unique(); }

  /// The beginning of the block of memory that it shares with other handles.
  const void* block() const noexcept { return storage_.data(); }

  /// An empty handle with the same shape, which holds no memory.
  Tensor without_elements() const {
    Tensor empty;
    empty.shape_ = shape_;
    return empty;
  }

 private:
  Storage<B> storage_;
  T* data_ = nullptr;
  Shape shape_;
};

template <class X>
inline constexpr bool is_tensor = false;
template <class T, class B>
inline constexpr bool is_tensor<Tensor<T, B>> = true;

/// The same elements in another backend's memory: `to<Cuda>(x)`, `to<Cpu>(x)`. On Cuda a copy on the selected device,
/// even if x is already there.
template <class To, class T, class B>
Tensor<T, To> to(const Tensor<T, B>& x) {
  if constexpr (std::same_as<To, Cpu> && std::same_as<B, Cpu>) {
    return x;
  } else {
    using Copier = std::conditional_t<std::same_as<To, Cpu>, B, To>;
    Tensor<T, To> copy(x.shape());
    if (x.size() > 0) Copier::copy(copy.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
    return copy;
  }
}

/// The elements as a vector on the host, outermost axis first.
template <class T, class B>
std::vector<T> to_vector(const Tensor<T, B>& x) {
  const Tensor<T, Cpu> here = to<Cpu>(x);
  return std::vector<T>(here.begin(), here.end());
}

}  // namespace flipbook
