// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <flipbook/core/parallel.hpp>
#include <flipbook/train/weights.hpp>

#include "ops/tensors.hpp"

namespace flipbook::test {

/// Checks that train() gives a module of the same parameters on one thread as on more, and that predict(module) gives
/// the same frames by the weights that were saved and loaded.
template <class Train, class Predict>
void check_same_bits(const std::string& name, const Train& train, const Predict& predict) {
  const int before = threads();
  set_threads(before == 3 ? 2 : 3);
  const auto together = train();
  set_threads(1);
  const auto alone = train();
  set_threads(before);
  CHECK(same(together.parameters(), alone.parameters()));

  const auto path = std::filesystem::temp_directory_path() / ("flipbook_" + name + ".safetensors");
  save_weights(path, alone);
  auto loaded = alone;
  Tensor<double> parameters = loaded.parameters();
  for (double& p : parameters) p = 0;
  CHECK(!same(predict(loaded), predict(alone)));
  load_weights(path, loaded);
  std::filesystem::remove(path);
  CHECK(same(predict(loaded), predict(alone)));
}

}  // namespace flipbook::test
