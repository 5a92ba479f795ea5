// SPDX-License-Identifier: MIT
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/clip.hpp>
#include <flipbook/optim/rmsprop.hpp>
#include <flipbook/optim/schedule.hpp>
#include <flipbook/optim/sgd.hpp>

#include "cases.hpp"

namespace fb = flipbook;
namespace optim = flipbook::optim;
namespace schedule = flipbook::schedule;

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  const auto optimiser = [&](const char* name, const auto& rule, double clip = 0) {
    cases.each(name, [&]<class T>(pytorch::Folder<T>& folder) {
      const auto parameters = folder.real("parameters"), gradients = folder.real("gradients");
      fb::Optimizer optimizer{rule, parameters};
      for (int step = 0; step < pytorch::steps; ++step) {
        if (clip > 0) optim::clip_norm(gradients[step], clip);
        optimizer.step(parameters, gradients[step]);
      }
      folder.write("parameters", parameters);
      optimizer.visit([&](const char* memory, const fb::Tensor<T>& x) { folder.write(memory, x); });
    });
  };
  optimiser("sgd", optim::Sgd{.learning_rate = 0.1});
  optimiser("sgd_decay", optim::Sgd{.learning_rate = 0.1, .weight_decay = 0.05});
  optimiser("sgd_momentum", optim::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.05});
  optimiser("sgd_nesterov", optim::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true});
  optimiser("rmsprop", optim::RmsProp{.learning_rate = 0.02});
  optimiser(
      "rmsprop_momentum",
      optim::RmsProp{.learning_rate = 0.02, .alpha = 0.9, .epsilon = 1e-6, .weight_decay = 0.05, .momentum = 0.8});
  optimiser("rmsprop_centred", optim::RmsProp{.learning_rate = 0.02, .momentum = 0.5, .centered = true});
  optimiser("adam", optim::Adam{.learning_rate = 0.01});
  optimiser("adam_settings", optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5, .epsilon = 1e-6, .weight_decay = 0.1});
  optimiser("adamw", optim::AdamW{.learning_rate = 0.01});
  optimiser("adamw_settings",
            optim::AdamW{.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.1});
  optimiser("clipped", optim::Sgd{.learning_rate = 0.1}, 2.5);

  const auto rates = [&](const char* name, const auto& rate) {
    cases.each(name, [&]<class T>(pytorch::Folder<T>& folder) {
      auto all = folder.real("rates");
      for (fb::Index step = 0; step < all.size(); ++step) all.data()[step] = static_cast<T>(rate(step));
      folder.write("rates", all);
    });
  };
  rates("cosine", schedule::cosine(0.3, 17));
  rates("cosine_to_last", schedule::cosine(0.3, 17, 0.01));
  rates("one_cycle", schedule::one_cycle(0.3, 23));
  rates("one_cycle_settings", schedule::one_cycle(0.3, 31, 0.2, 10, 100));
  return cases.status();
}
