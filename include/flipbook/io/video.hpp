// SPDX-License-Identifier: MIT
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <type_traits>
#include <vector>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/image.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const noexcept {
    if constexpr (std::is_invocable_v<decltype(Free), T**>) Free(&object);
    else Free(object);
  }
};
using CodecContext = std::unique_ptr<AVCodecContext, FreeBy<avcodec_free_context>>;
using Frame = std::unique_ptr<AVFrame, FreeBy<av_frame_free>>;
using Packet = std::unique_ptr<AVPacket, FreeBy<av_packet_free>>;
using Scaler = std::unique_ptr<SwsContext, FreeBy<sws_freeContext>>;
using Input = std::unique_ptr<AVFormatContext, FreeBy<avformat_close_input>>;

/// Suppresses a codec's messages unless av_log_set_level asks for all; errors are thrown.
inline constexpr int log_offset = AV_LOG_DEBUG - AV_LOG_FATAL;

/// The result of a call of FFmpeg; throws if it is an error.
inline int av_check(int result, const char* what) {
  if (result >= 0) return result;
  char reason[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(result, reason, sizeof(reason));
  fail(what, ": ", reason);
}
template <class Owner>
Owner av_made(Owner owner, const char* what) {
  require(owner != nullptr, what, ": it cannot be had");
  return owner;
}

/// Suppresses messages of FFmpeg's demuxers and muxers, unless the program has set a level.
inline void quieten() {
  if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
}

/// The supported containers: those that contain their frames. FFmpeg detects formats by content, and some formats (hls,
/// concat, …) are lists of other files or of network addresses.
inline constexpr const char* containers =
    "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,ogg,flv,asf,gif,m4v,h264,ivf";

/// Opens a context's file, and no other file that its content may name.
inline int open_once(AVFormatContext* context, AVIOContext** file, const char* url, int flags, AVDictionary** options) {
  if (context->iformat != nullptr) return AVERROR(EACCES);
  return avio_open2(file, url, flags, &context->interrupt_callback, options);
}

/// Opens a file for reading, and no other file.
inline Input open_input(const std::filesystem::path& path) {
  quieten();
  std::error_code unreadable;  // opening it reports the error again
  const auto status = std::filesystem::status(path, unreadable);
  require(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), "it is not a regular file");
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  av_dict_set(&options, "format_whitelist", containers, 0);
  av_dict_set(&options, "ignore_editlist", "1", 0);  // so that the decoded frames are those of the index
  AVFormatContext* context = av_made(avformat_alloc_context(), "a reader");
  context->io_open = open_once;
  const int result = avformat_open_input(&context, text("file:", path.string()).c_str(), nullptr, &options);
  av_dict_free(&options);
  require(result != AVERROR(EINVAL), "it is none of the containers that are read: ", containers);
  av_check(result, "opening");
  return Input(context);
}

/// Decodes the frames of a file's best video stream, in display order.
class VideoDecoder {
 public:
  explicit VideoDecoder(const std::filesystem::path& path)
      : input_(open_input(path)),
        packet_(av_made(Packet(av_packet_alloc()), "a packet")),
        frame_(av_made(Frame(av_frame_alloc()), "a frame")) {
    av_check(avformat_find_stream_info(input_.get(), nullptr), "looking for streams");
    const AVCodec* codec = nullptr;
    stream_ = av_check(av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0), "looking for video");
    const AVStream& stream = *input_->streams[stream_];
    codec_ = av_made(CodecContext(avcodec_alloc_context3(codec)), "a decoder");
    codec_->log_level_offset = log_offset;
    av_check(avcodec_parameters_to_context(codec_.get(), stream.codecpar), "setting the decoder up");
    codec_->max_pixels = 1 << 26;
    codec_->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER;
    av_check(avcodec_open2(codec_.get(), codec, nullptr), "opening the decoder");
    counted_ = stream.nb_frames;
    const AVRational rate = av_guess_frame_rate(input_.get(), input_->streams[stream_], nullptr);
    frames_per_second_ = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
  }

  /// The next frame, or none at the end. It stays valid until the next call.
  /// @throws Error if the file is damaged, or ends before all frames that it states
  const AVFrame* next() {
    for (;;) {
      const int result = avcodec_receive_frame(codec_.get(), frame_.get());
      if (result == AVERROR_EOF) return nullptr;
      if (result != AVERROR(EAGAIN)) {
        av_check(result, "decoding");
        require(frame_->decode_error_flags == 0, "decoding: a frame is damaged");
        return frame_.get();
      }
      send_packet();
    }
  }
  double frames_per_second() const noexcept { return frames_per_second_; }
  /// The display time of the last frame of `next`, in the units of its stream; AV_NOPTS_VALUE if the file does not
  /// state it.
  std::int64_t time() const noexcept { return frame_->pts; }
  /// The video's parameters in the file, such as extents and codec.
  const AVCodecParameters& parameters() const noexcept { return *input_->streams[stream_]->codecpar; }

  /// The video's next packet, without decoding; none at the end. It stays valid until the next call.
  /// @throws Error as `next`
  const AVPacket* next_packet() {
    for (;;) {
      av_packet_unref(packet_.get());
      const int result = av_read_frame(input_.get(), packet_.get());
      if (result == AVERROR_EOF) {
        require(counted_ <= 0 || packets() >= counted_, "it ends after ", packets(), " of ", counted_, " frames");
        av_check(input_->pb != nullptr ? input_->pb->error : 0, "reading");
        return nullptr;
      }
      av_check(result, "reading");
      if (packet_->stream_index != stream_) continue;
      packet_times_.push_back(packet_->pts);
      require((packet_->flags & AV_PKT_FLAG_CORRUPT) == 0, "it ends within a frame");
      return packet_.get();
    }
  }
  /// The times of the packets read so far, in the order of decoding.
  const std::vector<std::int64_t>& packet_times() const noexcept { return packet_times_; }
  /// Seeks to a keyframe at this time or before, if the container has an index of them.
  /// @return whether it succeeded; if not, the position is undefined
  bool seek(std::int64_t time) {
    if (av_seek_frame(input_.get(), stream_, time, AVSEEK_FLAG_BACKWARD) < 0) return false;
    avcodec_flush_buffers(codec_.get());
    counted_ = 0;  // only some of the frames follow
    return true;
  }

 private:
  std::int64_t packets() const noexcept { return static_cast<std::int64_t>(packet_times_.size()); }
  void send_packet() { av_check(avcodec_send_packet(codec_.get(), next_packet()), "decoding"); }

  Input input_;
  CodecContext codec_;
  Packet packet_;
  Frame frame_;
  int stream_ = -1;
  std::int64_t counted_ = 0;
  std::vector<std::int64_t> packet_times_;
  double frames_per_second_ = 0;
};

/// A decoded frame of any format as 8-bit pixels, (H, W, channels); channels is 1 or 3.
class PixelConverter {
 public:
  Tensor<std::uint8_t> operator()(const AVFrame& frame, Index channels) {
    const auto format = channels == 1 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24;
    scaler_.reset(sws_getCachedContext(
        scaler_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), frame.width,
        frame.height, format, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr, nullptr));
    require(scaler_ != nullptr, "converting the pixels of a frame cannot be done");
    set_colours(frame);
    // Rows padded for the converter's vectors, which may write past the end of shorter rows.
    const int row = (frame.width * static_cast<int>(channels) + 63) / 64 * 64;
    padded_.resize(static_cast<std::size_t>(row) * static_cast<std::size_t>(frame.height) + 64);
    std::uint8_t* const planes[4] = {padded_.data(), nullptr, nullptr, nullptr};
    const int strides[4] = {row, 0, 0, 0};
    const int rows = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
    require(rows == frame.height, "converting the pixels of a frame failed");
    Tensor<std::uint8_t> pixels({frame.height, frame.width, channels});
    for (Index y = 0; y < frame.height; ++y)
      std::copy_n(padded_.data() + y * row, frame.width * channels, pixels.data() + y * frame.width * channels);
    return pixels;
  }

 private:
  /// Sets the colour matrix and range: those of the file, or by convention, those that its height suggests.
  void set_colours(const AVFrame& frame) {
    const int suggested = frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    const int space = frame.colorspace == AVCOL_SPC_UNSPECIFIED ? suggested : frame.colorspace;
    const int full = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
    const int* from = sws_getCoefficients(space);
    sws_setColorspaceDetails(scaler_.get(), from, full, from, 1, 0, 1 << 16, 1 << 16);
  }

  Scaler scaler_;
  std::vector<std::uint8_t> padded_;
};

}  // namespace detail

/// The content of a video file.
struct Video {
  Tensor<std::uint8_t> frames;   ///< (T, H, W, C)
  double frames_per_second = 0;  ///< 0 if the file does not state it
};

/// Decodes a video file, with each frame resized to `size`: MP4, MOV, Matroska, WebM, AVI, MPEG, Ogg, FLV, WMV, GIF. No
/// other file is opened, even if this one names it. FFmpeg prints nothing unless av_log_set_level is given a level
/// other than its default.
/// @param limit  largest number of frames; a longer video is truncated
/// @throws Error if the file cannot be read, has no video, is damaged, or ends early
inline Video read_video(const std::filesystem::path& path, const FrameSize& size, Index limit = 1 << 20) {
  require((size.channels == 1 || size.channels == 3) && size.height > 0 && size.width > 0, "read_video: frames of ",
          size.height, " x ", size.width, " x ", size.channels, "; channels are 1 or 3");
  try {
    detail::VideoDecoder decoder(path);
    detail::PixelConverter convert;
    std::vector<std::uint8_t> pixels;  // grows with the decoded frames, independently of the stated length
    Index count = 0;
    while (count < limit) {
      const AVFrame* frame = decoder.next();
      if (frame == nullptr) break;
      const auto resized = to_frame(convert(*frame, size.channels), size);
      pixels.insert(pixels.end(), resized.begin(), resized.end());
      ++count;
    }
    require(count > 0, "it has no frames");
    return {Tensor<std::uint8_t>({count, size.height, size.width, size.channels}, pixels), decoder.frames_per_second()};
  } catch (const Error& error) {
    fail("video: ", detail::quoted(path), " is refused: ", error.what());
  }
}

struct Mp4Options {
  double frames_per_second = 25;
  int quality = 18;  ///< H.264's constant rate factor: 0 is lossless, 23 the usual value, 51 the worst quality
};

namespace detail {

/// Writes frames as one MP4 file: H.264 if FFmpeg has an encoder for it, otherwise MPEG-4.
class Mp4Encoder {
 public:
  /// 4:2:0 video has even extents: the last row or column is repeated if an extent is odd.
  Mp4Encoder(const std::filesystem::path& path, Index height, Index width, const Mp4Options& options)
      : file_(path),
        width_(static_cast<int>(width)),
        height_(static_cast<int>(height)),
        packet_(av_made(Packet(av_packet_alloc()), "a packet")),
        frame_(av_made(Frame(av_frame_alloc()), "a frame")) {
    quieten();
    AVFormatContext* context = nullptr;
    av_check(avformat_alloc_output_context2(&context, nullptr, "mp4", nullptr), "setting MP4 up");
    output_.reset(context);
    output_->flags |= AVFMT_FLAG_BITEXACT;  // no version of FFmpeg in the file
    open_encoder(options);
    stream_ = avformat_new_stream(output_.get(), nullptr);
    require(stream_ != nullptr, "a stream: it cannot be had");
    av_check(avcodec_parameters_from_context(stream_->codecpar, codec_.get()), "setting the stream up");
    stream_->time_base = codec_->time_base;
    stream_->avg_frame_rate = codec_->framerate;
    av_check(avio_open(&output_->pb, text("file:", file_.temporary().string()).c_str(), AVIO_FLAG_WRITE), "opening");
    av_check(avformat_write_header(output_.get(), nullptr), "writing");

    frame_->format = codec_->pix_fmt;
    frame_->width = codec_->width;
    frame_->height = codec_->height;
    av_check(av_frame_get_buffer(frame_.get(), 0), "a frame");
    scaler_ =
        av_made(Scaler(sws_getContext(codec_->width, codec_->height, AV_PIX_FMT_RGB24, codec_->width, codec_->height,
                                      codec_->pix_fmt, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr)),
                "converting pixels");
    const int* matrix = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(scaler_.get(), matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
  }

  /// @param pixels  (H, W, 1 or 3)
  void add(const Tensor<std::uint8_t>& pixels) {
    av_check(av_frame_make_writable(frame_.get()), "a frame");
    const Index channels = pixels.extent(2), row = (codec_->width * 3 + 63) / 64 * 64;
    padded_.resize(static_cast<std::size_t>(row * codec_->height + 64));
    for (Index y = 0; y < codec_->height; ++y) {
      for (Index x = 0; x < codec_->width; ++x) {
        const Index from = std::min<Index>(y, height_ - 1) * width_ + std::min<Index>(x, width_ - 1);
        for (Index c = 0; c < 3; ++c)
          padded_[static_cast<std::size_t>(y * row + 3 * x + c)] =
              pixels.data()[from * channels + (channels == 3 ? c : 0)];
      }
    }
    const std::uint8_t* const planes[4] = {padded_.data(), nullptr, nullptr, nullptr};
    const int strides[4] = {static_cast<int>(row), 0, 0, 0};
    const int rows = sws_scale(scaler_.get(), planes, strides, 0, codec_->height, frame_->data, frame_->linesize);
    require(rows == codec_->height, "converting pixels failed");
    frame_->pts = count_++;
    encode(frame_.get());
  }

  void finish() {
    encode(nullptr);
    av_check(av_write_trailer(output_.get()), "writing");
    av_check(avio_closep(&output_->pb), "writing");
    file_.commit();
  }

 private:
  struct CloseOutput {
    void operator()(AVFormatContext* context) const noexcept {
      avio_closep(&context->pb);
      avformat_free_context(context);
    }
  };

  void open_encoder(const Mp4Options& options) {
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_H264);
    if (codec == nullptr) codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    require(codec != nullptr, "this FFmpeg has no encoder for H.264 or MPEG-4");
    codec_ = av_made(CodecContext(avcodec_alloc_context3(codec)), "an encoder");
    codec_->log_level_offset = log_offset;
    codec_->width = (width_ + 1) / 2 * 2;
    codec_->height = (height_ + 1) / 2 * 2;
    codec_->pix_fmt = AV_PIX_FMT_YUV420P;
    codec_->framerate = av_d2q(options.frames_per_second, 60000);
    codec_->time_base = av_inv_q(codec_->framerate);
    codec_->colorspace = AVCOL_SPC_SMPTE170M;
    codec_->color_range = AVCOL_RANGE_MPEG;
    codec_->gop_size = 12;
    codec_->thread_count = 1;  // the same bits on every machine
    codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_MPEG4) {
      codec_->flags |= AV_CODEC_FLAG_QSCALE;
      codec_->global_quality = FF_QP2LAMBDA * std::clamp(options.quality / 5, 1, 31);
    } else {
      av_opt_set_int(codec_->priv_data, "crf", options.quality, 0);  // encoders without it keep their default rate
    }
    av_check(avcodec_open2(codec_.get(), codec, nullptr), "opening the encoder");
  }

  void encode(const AVFrame* frame) {
    av_check(avcodec_send_frame(codec_.get(), frame), "encoding");
    for (;;) {
      const int result = avcodec_receive_packet(codec_.get(), packet_.get());
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
      av_check(result, "encoding");
      packet_->duration = 1;
      av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
      packet_->stream_index = stream_->index;
      av_check(av_interleaved_write_frame(output_.get(), packet_.get()), "writing");
    }
  }

  AtomicFile file_;
  int width_, height_;
  Packet packet_;
  Frame frame_;
  std::unique_ptr<AVFormatContext, CloseOutput> output_;
  CodecContext codec_;
  Scaler scaler_;
  AVStream* stream_ = nullptr;
  std::vector<std::uint8_t> padded_;
  std::int64_t count_ = 0;
};

}  // namespace detail

/// Writes a clip (T, H, W, C), where C is 1 or 3, as an MP4 file that browsers play, atomically. Odd extents are made
/// even by repeating the last row or column.
/// @throws Error for another shape, for an infinite or NaN element, for unsupported options, and if it cannot be
///         written
template <Pixel T>
void write_mp4(const std::filesystem::path& path, const Tensor<T>& clip, const Mp4Options& options = {}) {
  require(clip.rank() == 4 && (clip.extent(3) == 1 || clip.extent(3) == 3) && clip.size() > 0,
          "write_mp4: ", detail::quoted(path), " needs (T, H, W, 1 or 3), got ", clip.shape());
  require(clip.extent(1) <= 1 << 14 && clip.extent(2) <= 1 << 14, "write_mp4: ", detail::quoted(path), " of ",
          clip.shape(), " is larger than 16384");
  require(options.frames_per_second >= 0.1 && options.frames_per_second <= 1000 && options.quality >= 0 &&
              options.quality <= 51,
          "write_mp4: ", options.frames_per_second, " frames per second of quality ", options.quality,
          "; 0.1 to 1000 and 0 to 51 can be had");
  const auto pixels = to_bytes(clip, "write_mp4");
  try {
    detail::Mp4Encoder encoder(path, clip.extent(1), clip.extent(2), options);
    for (Index t = 0; t < clip.extent(0); ++t) encoder.add(pixels[t]);
    encoder.finish();
  } catch (const Error& error) {
    fail("write_mp4: ", detail::quoted(path), ": ", error.what());
  }
}

}  // namespace flipbook
