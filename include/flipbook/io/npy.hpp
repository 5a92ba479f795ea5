// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/pixels.hpp>
#include <flipbook/io/stored.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

inline constexpr std::pair<const char*, Stored> npy_types[] = {
    {"<f8", Stored::f64}, {"<f4", Stored::f32}, {"<f2", Stored::f16}, {"<i8", Stored::i64},    {"<i4", Stored::i32},
    {"<i2", Stored::i16}, {"|i1", Stored::i8},  {"|u1", Stored::u8},  {"|b1", Stored::boolean}};

/// The dictionary at the head of an npy file, read as the Python literal that NumPy writes:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class NpyHeader {
 public:
  explicit NpyHeader(std::string_view header) : rest_(header) {
    expect("{");
    while (!accept("}")) {
      const std::string_view key = quoted_word();
      expect(":");
      if (key == "descr") once(descr_, quoted_word());
      else if (key == "shape") once(shape_, tuple());
      else if (key == "fortran_order") once(fortran_, boolean());
      else fail("its header has the unknown key '", key, "'");
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    skip_space();
    require(rest_.empty(), "its header goes on after its end");
    require(descr_ && fortran_ && shape_, "its header lacks one of descr, fortran_order and shape");
  }

  Stored stored() const {
    const auto known = std::find_if(std::begin(npy_types), std::end(npy_types),
                                    [&](const auto& type) { return *descr_ == type.first; });
    require(known != std::end(npy_types), "its elements are of type '", *descr_, "', which is not read");
    return known->second;
  }
  bool fortran_order() const { return *fortran_; }
  const std::vector<std::uint64_t>& shape() const { return *shape_; }

 private:
  template <class Value>
  static void once(std::optional<Value>& slot, Value value) {
    require(!slot, "its header gives a key twice");
    slot = std::move(value);
  }
  void skip_space() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front()))) rest_.remove_prefix(1);
  }
  bool accept(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) { require(accept(token), "its header lacks a '", token, "'"); }
  std::string_view quoted_word() {
    const std::string_view quote = accept("'") ? "'" : "\"";
    if (quote == "\"") expect(quote);
    const auto length = rest_.find(quote);
    require(length != std::string_view::npos, "its header ends within a string");
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    return word;
  }
  bool boolean() {
    if (accept("True")) return true;
    expect("False");
    return false;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> extents;
    expect("(");
    while (!accept(")")) {
      extents.push_back(number());
      if (!accept(",")) {
        require(extents.size() > 1, "its shape is a number and not a tuple");
        expect(")");
        break;
      }
    }
    return extents;
  }
  std::uint64_t number() {
    skip_space();
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    const std::string digits(rest_.begin(), std::find_if_not(rest_.begin(), rest_.end(), is_digit));
    require(!digits.empty() && digits.size() <= 18, "its shape has an extent that is not a number");
    rest_.remove_prefix(digits.size());
    return std::stoull(digits);
  }

  std::string_view rest_;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_;
  std::optional<std::vector<std::uint64_t>> shape_;
};

/// The content of an npy file; its header is checked against the number of bytes.
struct NpyContent {
  Stored stored;
  Shape shape;
  std::span<const std::uint8_t> data;
};

inline NpyContent parse_npy(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view magic = "\x93NUMPY";
  require(bytes.size() >= 10 && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0,
          "it does not begin as an npy file does");
  const int version = bytes[6];
  require(version >= 1 && version <= 3 && bytes[7] == 0, "its version is ", version, ".", int{bytes[7]});
  const std::size_t width = version == 1 ? 2 : 4, begin = 8 + width;
  std::uint32_t length = 0;
  require(bytes.size() >= begin, "it ends within its header");
  std::memcpy(&length, bytes.data() + 8, width);
  require(length <= bytes.size() - begin, "it has ", bytes.size() - begin, " bytes for a header of ", length);

  const NpyHeader header({reinterpret_cast<const char*>(bytes.data() + begin), length});
  const auto& extents = header.shape();
  const auto data = bytes.subspan(begin + length);
  require(!header.fortran_order() || extents.size() < 2, "it is in Fortran order; C order is read");
  require(extents.size() <= Shape::max_rank, "it is of rank ", extents.size(), "; at most ", Shape::max_rank,
          " is read");
  const auto needed = checked_product(extents, size_of(header.stored()));
  require(needed.has_value(), "its extents multiply to more than can be held");
  const Shape shape(extents.begin(), extents.end());
  require(static_cast<std::size_t>(*needed) == data.size(), "shape ", shape, " takes ", *needed, " bytes, and ",
          data.size(), " follow its header");
  return {header.stored(), shape, data};
}

/// Reads the file and passes its content to `use`, whose errors then name the file.
template <class Use>
auto with_npy(const std::filesystem::path& path, const Use& use) {
  const Bytes bytes = read_file(path);
  try {
    return use(parse_npy(bytes));
  } catch (const Error& error) {
    fail("npy: ", quoted(path), " is refused: ", error.what());
  }
}

inline Tensor<float> swap_leading_axes(const Tensor<float>& x) {
  Shape shape = x.shape();
  std::swap(shape[0], shape[1]);
  Tensor<float> swapped(shape);
  if (x.size() == 0) return swapped;  // the other extents may be anything
  const Index outer = x.extent(0), inner = x.extent(1), size = shape.part(2, shape.rank()).size();
  for (Index i = 0; i < outer; ++i)
    for (Index j = 0; j < inner; ++j)
      std::copy_n(x.data() + (i * inner + j) * size, size, swapped.data() + (j * outer + i) * size);
  return swapped;
}

}  // namespace detail

/// Reads an array that NumPy saved (.npy, versions 1 to 3, little-endian, C order) as a tensor of type T.
/// @throws Error if the file cannot be read, is not exactly as long as its header says, has another layout, or its type
///         does not convert to T (see from_stored)
template <Element T>
Tensor<T> read_npy(const std::filesystem::path& path) {
  return detail::with_npy(
      path, [](const detail::NpyContent& npy) { return from_stored<T>(npy.stored, npy.shape, npy.data, "the array"); });
}

/// Writes a tensor in NumPy's format, atomically. bfloat16 is not offered, since NumPy does not have it.
template <Element T>
  requires(!std::same_as<T, bfloat16>)
void write_npy(const std::filesystem::path& path, const Tensor<T>& x) {
  const auto type = std::find_if(std::begin(detail::npy_types), std::end(detail::npy_types),
                                 [](const auto& known) { return known.second == stored_as<T>(); });
  std::string header = text("{'descr': '", type->first, "', 'fortran_order': False, 'shape': (");
  for (const Index extent : x.shape()) header += text(extent, ", ");
  if (x.rank() > 1) header.resize(header.size() - 2);
  header += "), }";
  header.resize((10 + header.size() + 64) / 64 * 64 - 10, ' ');  // the elements begin at a multiple of 64
  header.back() = '\n';
  const auto length = static_cast<std::uint16_t>(header.size());

  AtomicFile file(path);
  file.write(std::string_view("\x93NUMPY\x01\x00", 8));
  file.write(&length, 2);
  file.write(header);
  file.write(as_bytes(x));
  file.commit();
}

/// The order of clips and frames in an array of rank 4 or 5.
enum class NpyLayout {
  clips_first,  ///< (N, T, H, W) or (N, T, H, W, C)
  frames_first  ///< (T, N, H, W) or (T, N, H, W, C), as in the published Moving MNIST test set
};

/// Reads clips, (N, T, H, W, C) in [0, 1]: bytes are divided by 255; real numbers must be in [0, 1]. An array (T, H, W)
/// is one grey clip; an array of rank 4, grey clips.
/// @throws Error as read_npy, and for other ranks and numbers: names the position of the first invalid number
inline Tensor<float> read_npy_video(const std::filesystem::path& path, NpyLayout layout = NpyLayout::clips_first) {
  return detail::with_npy(path, [&](const detail::NpyContent& npy) {
    Tensor<float> x;
    if (npy.stored == Stored::u8) {
      x = to_unit(from_stored<std::uint8_t>(npy.stored, npy.shape, npy.data, "the video"));
    } else {
      x = from_stored<float>(npy.stored, npy.shape, npy.data, "the video");
      require_unit(x, "the video");
    }
    if (x.rank() == 3) return x.reshape({1, x.extent(0), x.extent(1), x.extent(2), 1});
    require(x.rank() == 4 || x.rank() == 5, "a video is (T, H, W), (N, T, H, W) or (N, T, H, W, C), not ", x.shape());
    if (layout == NpyLayout::frames_first) x = detail::swap_leading_axes(x);
    return x.rank() == 5 ? x : x.reshape({x.extent(0), x.extent(1), x.extent(2), x.extent(3), 1});
  });
}

}  // namespace flipbook
