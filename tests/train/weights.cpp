// SPDX-License-Identifier: MIT
#include <flipbook/train/weights.hpp>

#include <doctest/doctest.h>

#include <numeric>

#include <flipbook/nn/module.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// A net with a parameter of each layout, and a buffer.
struct Net {
  template <Real T, class B>
  struct Layer {
    Parameter<T, B> weight;
    Parameter<T, B> bias{zeros<T, B>({3})};
    Buffer<T, B> running_mean{zeros<T, B>({2})};
    static void fields(auto& self, auto&& field) {
      field("weight", self.weight);
      field("bias", self.bias);
      field("running_mean", self.running_mean);
    }
  };
  template <Real T, class B>
  struct Instance {
    Layer<T, B> linear, conv, transposed;
    explicit Instance(Rng& rng)
        : linear{{normal<T, B>({2, 5}, rng), WeightLayout::linear}},
          conv{{normal<T, B>({3, 1, 2, 5}, rng), WeightLayout::convolution}},
          transposed{{normal<T, B>({2, 3, 4, 5, 7}, rng), WeightLayout::transposed_convolution}} {}
    static void fields(auto& self, auto&& field) {
      field("linear", self.linear);
      field("conv", self.conv);
      field("transposed", self.transposed);
    }
  };
};

template <class T>
void set_buffers(Module<Net, T>& module) {
  Tensor<T> buffers = module.buffers();
  std::iota(buffers.begin(), buffers.end(), T(1));
}

}  // namespace

TEST_CASE_TEMPLATE("saved weights load into another module to the same bits, buffers too", T, float, double) {
  Folder folder;
  Module<Net, T> saved{Rng{1}}, loaded{Rng{2}};
  set_buffers(saved);
  save_weights(folder / "w.safetensors", saved);
  load_weights(folder / "w.safetensors", loaded);
  CHECK(to_vector(loaded.parameters()) == to_vector(saved.parameters()));
  CHECK(to_vector(loaded.buffers()) == to_vector(saved.buffers()));
}

TEST_CASE_TEMPLATE("the file has PyTorch's layouts", T, float, double) {
  Folder folder;
  const Module<Net, T> module{Rng{1}};
  save_weights(folder / "w.safetensors", module, {{"author", "me"}});
  auto file = read_safetensors(folder / "w.safetensors");
  CHECK(file.metadata.erase("flipbook.checksum") == 1);
  CHECK(file.metadata == std::map<std::string, std::string>{{"author", "me"}, {"format", "pt"}});

  const auto linear = file.get<T>("linear.weight");  // (O, I)
  REQUIRE(linear.shape() == Shape{5, 2});
  for (Index i = 0; i < 2; ++i) {
    for (Index o = 0; o < 5; ++o) CHECK(linear[o][i].item() == module->linear.weight.value[i][o].item());
  }
  const auto conv = file.get<T>("conv.weight");  // (O, I, H, W)
  REQUIRE(conv.shape() == Shape{5, 2, 3, 1});
  for (Index h = 0; h < 3; ++h) {
    for (Index i = 0; i < 2; ++i) {
      for (Index o = 0; o < 5; ++o) CHECK(conv[o][i][h][0].item() == module->conv.weight.value[h][0][i][o].item());
    }
  }
  const auto transposed = file.get<T>("transposed.weight");  // (I, O, T, H, W) of (T, H, W, O, I)
  REQUIRE(transposed.shape() == Shape{7, 5, 2, 3, 4});
  CHECK(transposed[6][1][1][0][3].item() == module->transposed.weight.value[1][0][3][1][6].item());
}

TEST_CASE("another type of number is converted") {
  Folder folder;
  const Module<Net, float> single{Rng{1}};
  Module<Net, double> twice{Rng{2}};
  save_weights(folder / "w.safetensors", single);
  load_weights(folder / "w.safetensors", twice);
  CHECK(to_vector(twice.parameters()) == to_vector(cast<double>(single.parameters())));
}

TEST_CASE("one member is taken by its prefix, and a batch count is passed over") {
  Folder folder;
  const Module<Net, float> module{Rng{1}};
  std::vector<NamedTensor> tensors;
  detail::list_weights(module, "generator.", tensors);
  tensors.emplace_back("generator.conv.num_batches_tracked", Tensor<std::int64_t>(Shape{}, {3}));
  tensors.emplace_back("discriminator.weight", zeros<float>({2}));
  tensors.emplace_back("training/rest", zeros<float>({2}));
  write_safetensors(folder / "w.safetensors", tensors);
  Module<Net, float> loaded{Rng{2}};
  load_weights(folder / "w.safetensors", loaded, "generator.");
  CHECK(to_vector(loaded.parameters()) == to_vector(module.parameters()));
}

TEST_CASE("names that are missing, not expected or of another shape are all named, and nothing is changed") {
  Folder folder;
  const Module<Net, float> module{Rng{1}};
  std::vector<NamedTensor> tensors;
  detail::list_weights(module, "", tensors);
  std::erase_if(tensors, [](const NamedTensor& x) { return x.name() == "conv.bias" || x.name() == "linear.weight"; });
  tensors.emplace_back("linear.weight", zeros<float>({2, 5}));  // the layout here, not PyTorch's
  tensors.emplace_back("extra", zeros<float>({1}));
  write_safetensors(folder / "w.safetensors", tensors);

  Module<Net, float> loaded{Rng{2}};
  const auto before = to_vector(loaded.parameters());
  const std::string message = error_of([&] { load_weights(folder / "w.safetensors", loaded); });
  mentions(message, (folder / "w.safetensors").string());
  mentions(message, "'conv.bias' is missing");
  mentions(message, "'linear.weight' has shape (2, 5), needed is (5, 2)");
  mentions(message, "'extra' is not expected");
  CHECK(to_vector(loaded.parameters()) == before);
}

TEST_CASE("of many that are wrong a few are named and the rest counted") {
  Folder folder;
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < 30; ++i) tensors.emplace_back("extra." + std::to_string(i), zeros<float>({1}));
  write_safetensors(folder / "w.safetensors", tensors);
  Module<Net, float> module{Rng{2}};
  mentions(error_of([&] { load_weights(folder / "w.safetensors", module); }), "and 29 more");  // 9 missing, 30 extra
}

TEST_CASE("whole numbers in place of weights, and files that are none, are refused") {
  Folder folder;
  Module<Net, float> module{Rng{1}};
  std::vector<NamedTensor> tensors;
  detail::list_weights(module, "", tensors);
  std::erase_if(tensors, [](const NamedTensor& x) { return x.name() == "conv.bias"; });
  tensors.emplace_back("conv.bias", Tensor<std::int32_t>({3}, {1, 2, 3}));
  write_safetensors(folder / "w.safetensors", tensors);
  mentions(error_of([&] { load_weights(folder / "w.safetensors", module); }), "conv.bias");
  check_no_file_refused([&](const std::filesystem::path& path) { load_weights(path, module); });
  CHECK_THROWS_AS(save_weights(folder / "missing" / "w.safetensors", module), Error);
}
