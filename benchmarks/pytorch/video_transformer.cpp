// The causal transformer over 512 visual tokens, 4 layers of width 256, 8 heads: a step with AdamW on 2 sequences of
// 1024 tokens, and 256 tokens sampled one by one.
#include <memory>

#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "turns.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  using benchmark::gflop;
  using Model = TokenTransformer<>;
  constexpr Index batch = 2, length = 1024, sampled = 256;
  constexpr double token = 4 * gflop(1, 1, 256, 12 * 256) + gflop(1, 1, 256, 512);
  /// Scores and weighted sums over the causal half of a sequence.
  constexpr auto attention = [](double tokens) { return 4 * 2 * gflop(tokens * tokens / 2, 1, 256, 1); };
  constexpr double step = 3 * batch * (length * token + attention(length));

  const auto train = [] {
    const auto model = std::make_shared<Module<Model, float>>(Rng{0});
    const auto optimizer = std::make_shared<Optimizer<optim::AdamW, float, Cpu>>(optim::AdamW{.learning_rate = 3e-4},
                                                                                 model->parameters());
    const auto rng = std::make_shared<Rng>(1);
    Tensor<std::int32_t> tokens({batch, length + 1});
    const auto drawn = uniform<float>(tokens.shape(), *rng, 0, 512);
    std::copy(drawn.begin(), drawn.end(), tokens.data());
    return [=] { minimise(*model, *optimizer, *rng, [&](Tape& tape) { return (*model)->loss(tape, tokens); }); };
  };
  const auto sample = [] {
    const auto model = std::make_shared<Module<Model, float>>(Rng{0});
    const auto rng = std::make_shared<Rng>(1);
    return [=] { (*model)->sample(zeros<std::int32_t>({1, 1}), sampled, *rng); };
  };
  return benchmark::take_turns(count, arguments, {{"video_transformer_step", step, train},
                                                  {"video_transformer_sample", sampled * token + attention(sampled), sample}});
}
