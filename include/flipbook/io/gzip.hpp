// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <span>

#include <flipbook/io/file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Whether bytes begin with gzip's signature.
inline bool is_gzip(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/// The first `limit` bytes of a gzip file's content, or all if it is shorter. Memory grows with the output, so a small
/// file that expands to a huge one takes at most `limit` bytes.
/// @throws Error if the file is damaged or ends early (its checksum counts only when its end is reached)
inline Bytes gunzip(std::span<const std::uint8_t> packed, std::size_t limit) {
  struct Stream : z_stream {
    Stream() : z_stream{} { require(inflateInit2(this, 16 + MAX_WBITS) == Z_OK, "gunzip: zlib does not start"); }
    ~Stream() { inflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
  } stream;

  Bytes out;
  std::size_t length = 0;
  while (length < limit) {
    if (length == out.size()) out.resize(std::min(limit, std::max<std::size_t>(1 << 16, 2 * length)));
    const std::size_t room = std::min<std::size_t>(out.size() - length, UINT_MAX / 2);
    const std::size_t rest = std::min<std::size_t>(packed.size(), UINT_MAX / 2);
    stream.next_in = const_cast<Bytef*>(packed.data());  // zlib declares it writable, but does not write
    stream.avail_in = static_cast<uInt>(rest);
    stream.next_out = out.data() + length;
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    packed = packed.subspan(rest - stream.avail_in);
    length += room - stream.avail_out;
    if (status == Z_STREAM_END) {
      if (packed.empty()) break;
      require(is_gzip(packed), "gunzip: ", packed.size(), " bytes after the end");
      inflateReset(&stream);  // gzip files may be concatenated
    } else {
      require(status == Z_OK, "gunzip: ", packed.empty() ? "it ends early" : stream.msg ? stream.msg : "damaged");
    }
  }
  out.resize(length);
  return out;
}

}  // namespace flipbook
