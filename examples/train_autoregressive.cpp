// SPDX-License-Identifier: MIT
// Trains a model that predicts frames from those before them, and lets it continue clips that it has not seen.
#include "support/models.hpp"
#include "support/train_autoregressive.hpp"

namespace flipbook::examples {

// In train_autoregressive/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_autoregressive, LstmForecast,
                         (const AutoregressiveSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_autoregressive, ConvLstmForecast,
                         (const AutoregressiveSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_autoregressive, FilterForecast,
                         (const AutoregressiveSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_autoregressive, TransformerForecast,
                         (const AutoregressiveSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_autoregressive, SimVpForecast,
                         (const AutoregressiveSettings&, const Data&, Index))

}  // namespace flipbook::examples

using namespace flipbook::examples;

int main(int argc, char** argv) {
  CommandLine line{"Trains an autoregressive model of clips of 20 frames, 64×64 pixels; it continues the first ten."};
  AutoregressiveSettings settings;
  settings.training.add_to(line);
  line.choice("--network", settings.network, {"lstm", "convlstm", "filters", "transformer", "simvp"},
              "lstm: over codes of frames; convlstm: two layers; filters: that move the last frame; transformer: over "
              "patches; simvp: ten frames at once");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.number("--own-frames", settings.scheduled_sampling,
              "How often it is fed its own last frame (scheduled sampling)", 0, 1);
  line.flag("--through-own-frames", settings.through_own_frames, "Let gradients pass through these");
  return line.run(argc, argv, [&]<class B>(B) {
    const Data data = settings.training.open(forecast_format);
    if (settings.network == "lstm") train_autoregressive<LstmForecast, B>(settings, data, forecast_context);
    else if (settings.network == "convlstm")
      train_autoregressive<ConvLstmForecast, B>(settings, data, forecast_context);
    else if (settings.network == "filters") train_autoregressive<FilterForecast, B>(settings, data, forecast_context);
    else if (settings.network == "simvp") train_autoregressive<SimVpForecast, B>(settings, data, forecast_context);
    else train_autoregressive<TransformerForecast, B>(settings, data, forecast_context);
  });
}
