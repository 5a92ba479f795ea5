// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/file.hpp>

namespace flipbook::test {

/// An image (H, W, 1 or 3) as the bytes of a JPEG file.
inline Bytes jpeg_bytes(const Tensor<std::uint8_t>& image, bool progressive = false) {
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

}  // namespace flipbook::test
