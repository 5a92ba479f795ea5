// SPDX-License-Identifier: MIT
// What docs/from-pytorch.md shows.
#include <doctest/doctest.h>

#include <filesystem>

#include <flipbook/loss/regression.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/embedding/embedding.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/permute.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/weights.hpp>

namespace fb = flipbook;
using namespace fb::nn;

TEST_CASE("the page for users of PyTorch reshapes and joins as it says") {
  fb::Rng rng{1};
  const auto x = fb::normal<float>({2, 6, 4}, rng);
  // [shapes]
  const auto viewed = x.reshape({2, 24});             // x.view(2, 24), without a copy
  const auto transposed = fb::permute(x, {0, 2, 1});  // x.permute(0, 2, 1).contiguous(): (2, 4, 6)
  const auto joined = fb::concat(1, x, x);            // torch.cat([x, x], 1): (2, 12, 4)
  const auto stacked = fb::stack(1, x, x);            // torch.stack([x, x], 1): (2, 2, 6, 4)
  const auto chunks = fb::split(x, 1, 3);             // x.chunk(3, 1): three of (2, 2, 4)
  const auto part = fb::slice(x, 1, 2, 5);            // x[:, 2:5]: (2, 3, 4)
  const auto first = x[0];                            // x[0]: (6, 4), without a copy
  // [/shapes]
  CHECK(viewed.data() == x.data());
  CHECK(transposed.shape() == fb::Shape{2, 4, 6});
  CHECK(joined.shape() == fb::Shape{2, 12, 4});
  CHECK(stacked.shape() == fb::Shape{2, 2, 6, 4});
  CHECK(chunks.size() == 3);
  CHECK(chunks[2].shape() == fb::Shape{2, 2, 4});
  CHECK(part.shape() == fb::Shape{2, 3, 4});
  CHECK(first.data() == x.data());
}

TEST_CASE("the page for users of PyTorch trains as it says") {
  fb::Rng rng{1};
  const auto x = fb::normal<float>({8, 3}, rng);
  const auto target = fb::normal<float>({8, 1}, rng);
  // [training]
  using Network = Sequential<Linear<3, 16>, ReLU, Linear<16, 1>>;  // nn.Sequential(nn.Linear(3, 16), …)
  fb::Module<Network, float> network{fb::Rng{1}};                  // torch.manual_seed(1); network = …
  fb::Optimizer adam{fb::optim::Adam{.learning_rate = 1e-3}, network.parameters()};

  fb::Tape tape{network, rng.split()};                                 // network.train(); records from here on
  const auto loss = fb::loss::mse(network(tape.constant(x)), target);  // F.mse_loss(network(x), target)
  auto gradient = tape.gradient(loss, network);                        // loss.backward(): (P), never accumulated
  fb::optim::clip_norm(gradient, 1.0);                                 // clip_grad_norm_(parameters, 1.0)
  adam.step(network.parameters(), gradient);                           // optimizer.step()
  tape.apply_updates();                                                // running statistics change here

  const auto y = network(x);  // network.eval(); with torch.no_grad(): …
  // [/training]
  CHECK(y.shape() == fb::Shape{8, 1});
  CHECK(gradient.size() == network.parameters().size());
  CHECK(fb::loss::mse(y, target).item() < loss.item());
}

TEST_CASE("the page for users of PyTorch detaches as it says") {
  // [detach]
  fb::Tape tape;
  const auto x = tape.variable(fb::Tensor<double>({2}, {1.0, 2.0}));  // x.requires_grad_()
  const auto y = fb::square(x);
  const auto z = fb::sum(x * fb::stop_gradient(y));               // (x * y.detach()).sum()
  const auto once = tape.gradient(z, x, {.retain_graph = true});  // retain_graph=True
  const auto again = tape.gradient(z, x);
  // [/detach]
  CHECK(fb::to_vector(once) == std::vector<double>{1, 4});
  CHECK(fb::to_vector(again) == std::vector<double>{1, 4});
}
