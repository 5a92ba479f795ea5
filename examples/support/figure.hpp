// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>

#include "html.hpp"

namespace flipbook::examples {

/// Clips under one label: data, samples, predictions, one step of training.
struct Row {
  std::string label = {};
  Tensor<float> clips = {};  ///< (N, T, H, W, C) in [0, 1]
  /// Frames at the beginning that the model was given and did not make; their edge is bright.
  Index given = 0;
};

/// Clips as one picture, rows below each other. All rows have clips of the same shape and move in step.
struct Figure {
  std::string caption = {};
  std::vector<Row> rows = {};
  /// Side by side, the frames of the first clip of each row, at most twelve of them; otherwise the clips move.
  bool strip = false;
  Index columns = 0;  ///< clips side by side where there is one row; 0: as many as fit
  double frames_per_second = 8;
};

namespace detail {

inline constexpr float edge_dark = 52.0F / 255, edge_bright = 235.0F / 255, stage = 24.0F / 255;  // the page's --stage

/// Clips of one or three channels with an edge of one pixel, bright in the frames that were given.
/// @return (N, T, H + 2, W + 2, C)
inline Tensor<float> with_edges(const Tensor<float>& clips, Index given) {
  const Index n = clips.extent(0), t = clips.extent(1), h = clips.extent(2), row = clips.extent(3) * clips.extent(4);
  const Index c = clips.extent(4);
  Tensor<float> edged({n, t, h + 2, clips.extent(3) + 2, c});
  const float* from = clips.data();
  float* to = edged.data();
  for (Index i = 0; i < n * t; ++i) {
    const float edge = i % t < given ? edge_bright : edge_dark;
    to = std::fill_n(to, row + 2 * c, edge);
    for (Index y = 0; y < h; ++y, from += row) {
      to = std::fill_n(to, c, edge);
      to = std::transform(from, from + row, to, [](float value) { return std::clamp(value, 0.0F, 1.0F); });
      to = std::fill_n(to, c, edge);
    }
    to = std::fill_n(to, row + 2 * c, edge);
  }
  return edged;
}

inline Tensor<float> joined(const std::vector<Tensor<float>>& parts) {
  Shape shape = parts.front().shape();
  shape[0] = 0;
  for (const auto& part : parts) shape[0] += part.extent(0);
  Tensor<float> whole(shape);
  float* to = whole.data();
  for (const auto& part : parts) to = std::copy(part.begin(), part.end(), to);
  return whole;
}

/// Which of `frames` a strip shows: all, or twelve of them evenly spaced, the first and the last among them.
inline std::vector<Index> strip_frames(Index frames) {
  const Index count = std::min<Index>(frames, 12);
  std::vector<Index> shown;
  for (Index i = 0; i < count; ++i)
    shown.push_back(count == 1 ? 0 : (i * (frames - 1) + (count - 1) / 2) / (count - 1));
  return shown;
}

/// The chosen frames of the first clip, each as a clip of one frame.
inline Tensor<float> frames_as_clips(const Tensor<float>& clips, const std::vector<Index>& chosen) {
  const Shape& s = clips.shape();
  Tensor<float> frames({static_cast<Index>(chosen.size()), 1, s[2], s[3], s[4]});
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto frame = clips[0][chosen[i]];
    std::copy(frame.begin(), frame.end(), frames[static_cast<Index>(i)].begin());
  }
  return frames;
}

inline void check(const Figure& figure) {
  require(!figure.rows.empty(), "figure '", figure.caption, "': has no rows");
  const Shape& first = figure.rows.front().clips.shape();
  for (const Row& row : figure.rows) {
    const Shape& s = row.clips.shape();
    require(s.rank() == 5 && s.size() > 0 && (s[4] == 1 || s[4] == 3), "figure '", figure.caption,
            "': needs clips (N, T, H, W, 1 or 3), got ", s);
    require(s.part(1, 5) == first.part(1, 5) && (figure.strip || s[0] == first[0]), "figure '", figure.caption,
            "': its rows have clips of shapes ", first, " and ", s);
    require_finite(row.clips, "figure '" + figure.caption + "'");
  }
}

}  // namespace detail

/// A figure as HTML: one picture of all its clips, so that they move in step, its rows labelled.
/// @throws Error if it has no clips, their shapes differ, or a number is infinite or none
inline std::string to_html(const Figure& figure) {
  detail::check(figure);
  const Shape& shape = figure.rows.front().clips.shape();
  const auto chosen = detail::strip_frames(shape[1]);
  std::vector<Tensor<float>> parts;
  for (const Row& row : figure.rows) {
    auto clips = detail::with_edges(row.clips, row.given);
    parts.push_back(figure.strip ? detail::frames_as_clips(clips, chosen) : std::move(clips));
  }
  constexpr Index widest = 912;  // of a picture on the page
  const bool one_row = figure.rows.size() == 1 && !figure.strip;
  const Index fit = std::max<Index>(1, widest / (2 * (shape[3] + 4)));
  const Index wanted = figure.columns > 0 ? figure.columns : one_row ? fit : parts.front().extent(0);
  const Index columns = std::min(wanted, parts.front().extent(0));
  const auto picture = make_grid(detail::joined(parts), columns, 2, detail::stage);
  const Index width = picture.extent(2), scale = std::clamp<Index>(widest / width, 1, 6);
  const Bytes gif = flipbook::detail::encode_gif(to_bytes(picture, "figure"),
                                                 {.frames_per_second = figure.frames_per_second, .dither = false});

  std::string html = text(
      "<figure class=\"clips\">\n<div class=\"stage\"><div class=\"rows\" style=\"--rows:", figure.rows.size(), "\">");
  if (figure.strip && shape[1] > 1) {
    html += "<ol class=\"times\">";
    for (const Index t : chosen) html += text("<li>", t + 1, "</li>");
    html += "</ol>";
  }
  bool labelled = false;
  for (const Row& row : figure.rows) labelled = labelled || !row.label.empty();
  if (labelled)
    for (std::size_t i = 0; i < figure.rows.size(); ++i)
      html += text("<span class=\"label\" style=\"grid-row:", i + 2, "\">", escaped(figure.rows[i].label), "</span>");
  html += text("<img src=\"", data_uri("image/gif", gif), "\" width=\"", width * scale, "\" height=\"",
               picture.extent(1) * scale, "\" alt=\"", escaped(figure.caption), "\">");
  return text(html, "</div></div>\n<figcaption>", escaped(figure.caption), "</figcaption></figure>\n");
}

}  // namespace flipbook::examples
