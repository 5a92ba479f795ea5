// SPDX-License-Identifier: MIT
#include <string>
#include <tuple>
#include <utility>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/ops/filter/local_filter.hpp>
#include <flipbook/ops/resample/grid_sample.hpp>
#include <flipbook/ops/resample/placement.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using namespace flipbook::nn;
using flipbook::Extent;
using pytorch::Inputs;

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.layer<ReLU>("relu");
  cases.layer<LeakyReLU<0.2>>("leaky_relu");
  cases.layer<ELU>("elu");
  cases.layer<SiLU>("silu");
  cases.layer<GELU>("gelu");
  cases.layer<Sigmoid>("sigmoid");
  cases.layer<Tanh>("tanh");
  cases.layer<Softplus>("softplus");

  cases.function("softmax", [](const auto& in) { return fb::softmax(in[0]); });
  cases.function("log_softmax", [](const auto& in) { return fb::log_softmax(in[0]); });
  cases.function("log_sum_exp", [](const auto& in) { return fb::log_sum_exp(in[0]); });

  cases.layer<Embedding<11, 6>>("embedding", []<class X>(const auto& net, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return net(in.tape(), in.whole(0));
    else return net(in.whole(0));
  });

  cases.layer<Upsample<Extent(3)>>("upsample_1d");
  cases.layer<Upsample<Extent(2)>>("upsample_2d");
  cases.layer<Upsample<Extent(1, 2, 3)>>("upsample_3d");
  cases.layer<UpsampleLinear<Extent(2)>>("upsample_linear_1d");
  cases.layer<UpsampleLinear<Extent(2, 3)>>("upsample_linear_2d");
  cases.layer<UpsampleLinear<Extent(2)>>("upsample_linear_3d");
  cases.function("resize_linear_down", [](const auto& in) { return fb::resize_linear(in[0], Extent(5, 3)); });
  for (const bool aligned : {false, true}) {
    const std::string suffix = aligned ? "_aligned" : "";
    for (const auto& [name, mode] : {std::pair{"zeros", fb::PaddingMode::zeros},
                                     {"border", fb::PaddingMode::border},
                                     {"reflection", fb::PaddingMode::reflection}}) {
      cases.function("grid_sample_" + (name + suffix), [=, mode = mode](const auto& in) {
        return fb::grid_sample(in[0], in[1], {mode, aligned});
      });
    }
    cases.function("spatial_transformer" + suffix, [=](const auto& in) {
      return fb::grid_sample(in[0], fb::affine_grid(in[1], {4, 6}, aligned), {.align_corners = aligned});
    });
  }
  for (const std::string name : {"local_filter", "local_filter_of_blocks", "local_filter_of_lines"}) {
    cases.function(name, [](const auto& in) { return fb::local_filter(in[0], in[1]); });
  }
  for (const auto& [name, canvas, size] : {std::tuple{"", Extent(7, 8), Extent(4, 5)},
                                           {"_larger", Extent(4, 5), Extent(7, 8)},
                                           {"_one_pixel", Extent(5, 6), Extent(1, 1)}}) {
    const std::string suffix = name;
    cases.function("place" + suffix, [to = canvas](const auto& in) { return fb::place(in[0], in[1], to); });
    cases.function("glimpse" + suffix, [to = size](const auto& in) { return fb::glimpse(in[0], in[1], to); });
  }
  cases.layer<AvgPool<Extent(2, 3)>>("avg_pool_2d");
  cases.layer<AvgPool<Extent(2)>>("avg_pool_3d");
  cases.layer<MaxPool<Extent(2)>>("max_pool_2d");
  cases.layer<MaxPool<Extent(1, 2, 2)>>("max_pool_3d");
  cases.layer<PixelShuffle<12, Extent(2)>>("pixel_shuffle");
  cases.layer<PixelUnshuffle<2, Extent(3)>>("pixel_unshuffle");
  cases.layer<Patchify<3, Extent(2, 4, 3)>>("patchify");
  return cases.status();
}
