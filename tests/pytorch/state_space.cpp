// SPDX-License-Identifier: MIT
#include <flipbook/models/state_space/rssm.hpp>
#include <flipbook/models/state_space/svg.hpp>
#include <flipbook/optim/adam.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using pytorch::Inputs;

namespace {

/// Some frames of random networks differ by more than the free nats, some by less.
struct World : fb::rssm::Parts<2, 1, 16, 4, 16, 3, 4, 2, fb::likelihood::Bernoulli> {
  static constexpr fb::DivergenceSettings divergence{.beta = 1.5, .representation = 0.1, .free_nats = 0.1};
};

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  const fb::optim::Adam adam{.learning_rate = 1e-3, .epsilon = 1};
  const auto svg = []<class X>(const auto& model, const Inputs<X>& in) requires fb::training<X> {
    fb::Rng again = in.tape().rng();
    fb::List<fb::Tensor<typename X::Scalar>> noise;
    for (fb::Index t = 1; t < in[0].extent(1); ++t) {
      noise.push_back(fb::normal<typename X::Scalar>({in[0].extent(0), 3}, again));
    }
    in.drawn(fb::stack(1, noise));
    return model->loss(in[0]);
  };
  cases.layer<fb::Svg<1, 16, 4, 12, 16, 3>>("svg", svg, adam);

  const auto rssm = []<class X>(const auto& model, const Inputs<X>& in) requires fb::training<X> {
    fb::Rng again = in.tape().rng();
    in.drawn(model->infer(in[0], in[1], again).z.value());
    return model->loss({in[0], in[1], in[2]});
  };
  cases.layer<fb::StateSpace<World>>("rssm", rssm, adam);
  return cases.status();
}
