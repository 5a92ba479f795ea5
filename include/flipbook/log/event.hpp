// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include <flipbook/core/isa.hpp>

/// Encoding of TensorBoard's event files.
namespace flipbook::inline FLIPBOOK_ISA::detail {

inline constexpr auto crc32c_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0x82f63b78U : 0U);
    table[byte] = rest;
  }
  return table;
}();

/// Castagnoli's checksum (RFC 3720, appendix B.4).
constexpr std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) crc = crc >> 8 ^ crc32c_table[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

/// A number as bytes, the lowest first.
template <class Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(number); ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

/// Bytes as a record of TensorFlow's format: length, checksum of the length, bytes, checksum of the bytes. Checksums
/// are masked by a rotation and an offset, since checksums of bytes that contain checksums are weak.
inline std::string framed(std::string_view bytes) {
  const auto masked = [](std::string_view of) { return little_endian(std::rotr(crc32c(of), 15) + 0xa282ead8U); };
  const std::string length = little_endian(std::uint64_t{bytes.size()});
  return length + masked(length) + std::string(bytes) + masked(bytes);
}

/// A message of Protocol Buffers, field by field, in their wire format.
class ProtoMessage {
 public:
  ProtoMessage& integer(std::uint32_t field, std::int64_t value) {
    key(field, 0);
    put_varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  ProtoMessage& number(std::uint32_t field, double value) {
    key(field, 1);
    bytes_ += little_endian(std::bit_cast<std::uint64_t>(value));
    return *this;
  }
  ProtoMessage& number(std::uint32_t field, float value) {
    key(field, 5);
    bytes_ += little_endian(std::bit_cast<std::uint32_t>(value));
    return *this;
  }
  ProtoMessage& bytes(std::uint32_t field, std::string_view value) {
    key(field, 2);
    put_varint(value.size());
    bytes_ += value;
    return *this;
  }
  ProtoMessage& message(std::uint32_t field, const ProtoMessage& value) { return bytes(field, value.bytes_); }

  const std::string& bytes() const noexcept { return bytes_; }

 private:
  void key(std::uint32_t field, std::uint32_t kind) { put_varint(field << 3 | kind); }
  void put_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace flipbook::detail
