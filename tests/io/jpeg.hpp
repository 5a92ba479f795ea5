// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <jpeglib.h>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/file.hpp>

namespace flipbook::test {

/// An image (H, W, 1 or 3) as the bytes of a JPEG file, in the scans that are given, or as is usual.
inline Bytes jpeg_bytes(const Tensor<std::uint8_t>& image, bool progressive = false,
                        const std::vector<jpeg_scan_info>& scans = {}) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &out, &size);
  state.image_height = static_cast<JDIMENSION>(image.extent(0));
  state.image_width = static_cast<JDIMENSION>(image.extent(1));
  state.input_components = static_cast<int>(image.extent(2));
  state.in_color_space = image.extent(2) == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, 95, TRUE);
  if (progressive) jpeg_simple_progression(&state);
  if (!scans.empty()) state.scan_info = scans.data(), state.num_scans = static_cast<int>(scans.size());
  jpeg_start_compress(&state, TRUE);
  while (state.next_scanline < state.image_height) {
    JSAMPROW row = const_cast<std::uint8_t*>(image.data()) + state.next_scanline * image.extent(1) * image.extent(2);
    jpeg_write_scanlines(&state, &row, 1);
  }
  jpeg_finish_compress(&state);
  Bytes bytes(out, out + size);
  std::free(out);
  jpeg_destroy_compress(&state);
  return bytes;
}

/// A grey image (H, W, 1) as a progressive JPEG of `count` scans; all after the second are the second once more.
inline Bytes jpeg_of_scans(const Tensor<std::uint8_t>& image, int count) {
  Bytes bytes = jpeg_bytes(image, true, {{1, {0}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}});
  const Bytes table{0xff, 0xc4}, end{0xff, 0xd9};  // a scan has its table of codes in front
  const Bytes scan(std::find_end(bytes.begin(), bytes.end(), table.begin(), table.end()), bytes.end() - 2);
  bytes.resize(bytes.size() - 2);
  for (; count > 2; --count) bytes.insert(bytes.end(), scan.begin(), scan.end());
  bytes.insert(bytes.end(), end.begin(), end.end());
  return bytes;
}

}  // namespace flipbook::test
