// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/dynamic_filter.hpp>
#include <flipbook/optim/adam.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using pytorch::Inputs;

namespace {

constexpr fb::dynamic_filter::Options two{.hidden = 6, .kernel = 5, .filters = 2, .block = 2, .history = 4};
constexpr fb::dynamic_filter::Options one{.hidden = 5, .kernel = 3, .filters = 1, .block = 4, .history = 1};

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  const auto predict = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return model->loss(in[0]);
    else return model->predict(in[0], 5);
  };
  const fb::optim::Adam adam{.learning_rate = 1e-3, .epsilon = 0.1};
  cases.layer<fb::Autoregressive<fb::DynamicFilterNetwork<1, two>>>("dynamic_filter", predict, adam);
  cases.layer<fb::Autoregressive<fb::DynamicFilterNetwork<3, one>>>("dynamic_filter_of_colours", predict, adam);
  return cases.status();
}
