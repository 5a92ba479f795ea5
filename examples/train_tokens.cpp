// SPDX-License-Identifier: MIT
// Trains VideoGPT, MaskGIT or VAR of clips in two stages: an autoencoder that makes codes of clips, then a transformer
// over them, with --labels of classes; between, if asked for, the autoencoder goes on against discriminators (VQGAN).
// Writes reconstructions, new clips, and, but for VAR, clips that go on from their first half.
#include "support/models.hpp"
#include "support/train_tokens.hpp"

namespace flipbook::examples {

// In train_tokens/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_tokens, ScalarTokenizer, (const TokenSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_tokens, VectorTokenizer, (const TokenSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_tokens, ScaleTokenizer, (const TokenSettings&, const Data&))

}  // namespace flipbook::examples

using namespace flipbook::examples;

int main(int argc, char** argv) {
  CommandLine line{
      "Trains a transformer over the codes of clips of 16 frames, 64×64 pixels, and what makes the codes."};
  TokenSettings settings;
  settings.training.add_to(line);
  line.choice("--quantizer", settings.quantizer, {"scalar", "vector"},
              "scalar: numbers rounded to levels (FSQ); vector: the nearest of a learned codebook (VQ-VAE)");
  line.choice("--prior", settings.prior, {"causal", "masked", "scales"},
              "causal: code after code (VideoGPT); masked: several at a time, those it is sure of first (MaskGIT); "
              "scales: from coarse to fine (VAR), of codes in scales, which are of a codebook");
  line.number("--prior-steps", settings.prior_steps,
              "How many steps to train the transformer; --steps is the first stage");
  line.number("--adversarial-steps", settings.adversarial_steps,
              "How many steps to go on with what makes the codes, against discriminators of patches (VQGAN)", 0);
  line.positive("--adversarial-weight", settings.adversarial_weight,
                "How strongly they pull at reconstructions; 1: as hard as the likelihood does");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.positive("--temperature", settings.temperature, "Below 1 likely codes are drawn more often");
  line.number("--top-k", settings.top_k, "Draw only so many codes, the likeliest; 0: any", 0);
  line.number("--top-p", settings.top_p, "Draw only the likeliest codes that together have this probability", 1e-6, 1);
  line.number("--sampling-steps", settings.sampling_steps, "Of a masked prior: how many times all codes are drawn", 1);
  line.number("--confidence-temperature", settings.confidence_temperature,
              "Of a masked prior: the noise in which codes are kept; 0: those it is surest of", 0, 1e6);
  line.flag("--labels", settings.labels,
            "Also learn the classes of the images that move, which a file of labels beside theirs has");
  line.number("--guidance", settings.guidance,
              "Of --labels: how far clips go beyond the class as it was learned; 0: not at all", 0, 1e6);
  return line.run(argc, argv, [&]<class B>(B) {
    const TrainingOptions& options = settings.training;
    const Data data = settings.labels
                          ? open_classes(options.data, token_format, classes, options.seed).without_classes()
                          : options.open(token_format);
    if (settings.prior == "scales") train_tokens<ScaleTokenizer, B>(settings, data);
    else if (settings.quantizer == "scalar") train_tokens<ScalarTokenizer, B>(settings, data);
    else train_tokens<VectorTokenizer, B>(settings, data);
  });
}
