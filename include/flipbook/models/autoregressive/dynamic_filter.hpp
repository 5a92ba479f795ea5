// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/filter/local_filter.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

/// Dynamic filter networks: the next frame is the last one, moved by filters that a network makes for each place.
/// De Brabandere et al., Dynamic filter networks, 2016.
namespace flipbook::inline FLIPBOOK_ISA {

namespace dynamic_filter {

/// The sizes of a network.
struct Options {
  int hidden = 64;  ///< channels of its codes and of its memory
  int kernel = 9;   ///< of a filter, odd: between two frames pixels move by half of that at most
  int filters = 2;  ///< of each block: so many things can move differently there
  int block = 4;    ///< pixels along each axis that share filters
  int history = 6;  ///< frames that its encoder sees at once; over more frames velocities are known to parts of a pixel
};

/// A convolution that keeps height and width, and its activation: (N, H, W, In) → (N, H, W, Out).
template <int In, int Out>
struct Layer : nn::Sequential<nn::Conv2d<In, Out, Window{.kernel = 3, .padding = 1}>, nn::SiLU> {};

}  // namespace dynamic_filter

/// Reads frames x_t (N, H, W, Channels) in [0, 1] one after the other, and gives logits of the next one,
///
///     p = mask_0 · σ(new) + Σ_m mask_m · (filter_m ∗ x_t),   logits = log(p / (1 − p)).
///
/// A convolutional LSTM over blocks of x_t and of the changes between the frames before it outputs filters of each
/// block, whose weights a softmax sums to one, and masks of each pixel, which select a filter or new content, which no
/// filter can bring. Masks as in Finn et al., Unsupervised learning for physical interaction through video prediction,
/// 2016. Parameters: encoder, memory, head, readout.
template <int Channels = 1, dynamic_filter::Options O = dynamic_filter::Options{}>
struct DynamicFilterNetwork {
  static_assert(Channels > 0 && O.hidden > 0 && O.filters > 0 && O.block > 0 && O.history > 0 && O.kernel % 2 == 1,
                "DynamicFilterNetwork: needs channels, filters, blocks, a history, and a kernel that is odd");
  static constexpr int in = Channels, out = Channels, dimensions = 3;
  static constexpr bool stepwise = true;
  static constexpr int taps = O.kernel * O.kernel, masks = O.filters + 1;

  template <Real T, class B>
  struct Instance {
    static constexpr int area = O.block * O.block, filters = O.filters * taps, pixels = (masks + Channels) * area;
    static constexpr int inputs = O.history * Channels;
    using Encoder = nn::Sequential<nn::PixelUnshuffle<inputs, O.block>, dynamic_filter::Layer<inputs * area, O.hidden>,
                                   dynamic_filter::Layer<O.hidden, O.hidden>>;
    using Memory = nn::Stack<nn::ConvLstmCell<O.hidden, O.hidden, Window{.kernel = 3, .padding = 1}>>;

    Of<Encoder, T, B> encoder;
    Of<Memory, T, B> memory;
    Of<dynamic_filter::Layer<O.hidden, O.hidden>, T, B> head;
    Of<nn::Conv2d<O.hidden, filters + pixels, Window{.kernel = 1}>, T, B> readout;

    template <Value X>
    struct State {
      List<X> seen;  // the last frame and the changes before it, the latest first: history of (N, H, W, Channels)
      typename Of<Memory, T, B>::template State<X> memory;
    };

    explicit Instance(Rng& rng) : encoder(rng), memory(rng), head(rng), readout(rng) {
      auto& bias = readout.bias.value;  // new content begins almost black
      bias = concat(0, slice(bias, 0, 0, bias.size() - Channels * area), full<T, B>({Channels * area}, T(-4)));
    }
    static void fields(auto& self, auto&& field) {
      field("encoder", self.encoder);
      field("memory", self.memory);
      field("head", self.head);
      field("readout", self.readout);
    }

    template <Value X>
    State<X> start(const X& frame) const {
      List<X> seen(O.history, frame - frame);
      seen.front() = frame;
      return {seen, memory.start(frame)};
    }
    /// A step without a prediction: the code (N, h, w, D) from which `step` predicts.
    template <Value X>
    X observe(const X& frame, State<X>& state) const {
      state.seen.front() = frame - state.seen.front();
      state.seen.insert(state.seen.begin(), frame);
      state.seen.pop_back();
      const X code = encoder(concat(-1, state.seen));  // (N, h, w, D)
      return code + memory.step(code, state.memory);
    }
    template <Value X>
    X step(const X& frame, State<X>& state) const {
      const List<X> made = split(readout(head(observe(frame, state))), -1, {filters, pixels});
      const List<X> of_pixels = split(pixel_shuffle(made[1], Extent(O.block)), -1, {masks, Channels});
      const List<X> mask = split(softmax(of_pixels[0]), -1, masks);  // (N, H, W, 1) each
      const List<X> of_blocks = split(made[0], -1, O.filters);       // (N, h, w, K²) each
      X p = mask[0] * sigmoid(of_pixels[1]);                         // (N, H, W, Channels)
      for (std::size_t m = 0; m < of_blocks.size(); ++m)
        p = p + mask[m + 1] * local_filter(frame, softmax(of_blocks[m]));
      return logits_of(p);
    }
    template <Value X>
    X operator()(const X& clips) const {
      const List<X> frames = unstack(clips, 1);
      auto state = start(frames.front());
      List<X> logits;
      for (const X& frame : frames) logits.push_back(step(frame, state));
      return stack(1, logits);
    }

   private:
    /// Of probabilities that are kept away from 0 and 1, where logits end.
    template <Value X>
    static X logits_of(const X& p) {
      constexpr double edge = 1e-4;
      const X inside = affine(p, 1 - 2 * edge, edge);
      return log(inside) - log(1 - inside);
    }
  };
};

}  // namespace flipbook
