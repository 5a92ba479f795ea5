// SPDX-License-Identifier: MIT
#pragma once

#include <csetjmp>
#include <cstdint>
#include <cstdio>  // needed by jpeglib.h, which does not include it
#include <span>
#include <string>

#include <jpeglib.h>

#include <flipbook/io/png.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// libjpeg reports an error by calling a function that must not return. That function jumps back to `decode`, whose
/// frame has no objects to destroy; only then is an Error thrown. A warning, such as that of a truncated file, counts
/// as an error too. A progressive file with more than `most_scans` scans is refused: a scan may take only a few bytes,
/// but processes the whole image.
class JpegDecoder {
 public:
  explicit JpegDecoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    state_.err = jpeg_std_error(&errors_);
    state_.client_data = this;
    errors_.error_exit = leave;
    errors_.emit_message = [](j_common_ptr state, int level) {
      if (level < 0) leave(state);
    };
    progress_.progress_monitor = [](j_common_ptr state) {
      auto* self = static_cast<JpegDecoder*>(state->client_data);
      if (self->state_.input_scan_number <= most_scans) return;
      std::snprintf(self->message_, sizeof(self->message_), "it has more than %d scans", most_scans);
      std::longjmp(self->back_, 1);
    };
  }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ~JpegDecoder() { jpeg_destroy_decompress(&state_); }

  /// The image, (H, W, channels), where channels is 1 or 3.
  Tensor<std::uint8_t> decode(Index channels) {
    require(start(channels == 1 ? JCS_GRAYSCALE : JCS_RGB), message_);
    require_plausible(state_.image_height, state_.image_width, bytes_.size());
    Tensor<std::uint8_t> pixels({state_.image_height, state_.image_width, channels});
    require(finish(pixels.data(), static_cast<std::size_t>(pixels.extent(1) * channels)), message_);
    return pixels;
  }

 private:
  static constexpr int most_scans = 100;  // a usual progressive file has 10

  [[noreturn]] static void leave(j_common_ptr state) {
    auto* self = static_cast<JpegDecoder*>(state->client_data);
    state->err->format_message(state, self->message_);
    std::longjmp(self->back_, 1);
  }

  bool start(J_COLOR_SPACE colours) {
    if (setjmp(back_) != 0) return false;
    jpeg_create_decompress(&state_);
    state_.client_data = this, state_.progress = &progress_;  // creation cleared them
    jpeg_mem_src(&state_, bytes_.data(), bytes_.size());
    jpeg_read_header(&state_, TRUE);
    state_.out_color_space = colours;
    return true;
  }

  bool finish(std::uint8_t* pixels, std::size_t row) {
    if (setjmp(back_) != 0) return false;
    jpeg_start_decompress(&state_);
    while (state_.output_scanline < state_.output_height) {
      JSAMPROW line = pixels + state_.output_scanline * row;
      jpeg_read_scanlines(&state_, &line, 1);
    }
    jpeg_finish_decompress(&state_);
    return true;
  }

  std::span<const std::uint8_t> bytes_;
  jpeg_decompress_struct state_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf back_{};
  char message_[JMSG_LENGTH_MAX] = "";
};

/// A JPEG as 8-bit pixels, (H, W, channels); channels is 1 or 3.
inline Tensor<std::uint8_t> decode_jpeg(std::span<const std::uint8_t> bytes, Index channels) {
  return JpegDecoder(bytes).decode(channels);
}

}  // namespace flipbook::detail
