// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/gzip.hpp>

namespace flipbook::test {

/// Bytes as a gzip file.
inline Bytes gzip(Bytes bytes) {
  z_stream stream{};
  require(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK,
          "gzip: zlib does not start");
  Bytes packed(deflateBound(&stream, bytes.size()));
  stream.next_in = bytes.data();
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "gzip: zlib fails");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace flipbook::test
