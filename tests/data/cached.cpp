// SPDX-License-Identifier: MIT
#include <flipbook/data/cached.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include <flipbook/core/random.hpp>
#include <flipbook/data/augmented.hpp>
#include <flipbook/data/combined.hpp>
#include <flipbook/data/fluid_flow.hpp>
#include <flipbook/data/normalisation.hpp>
#include <flipbook/data/rain.hpp>
#include <flipbook/data/tensor_dataset.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;
namespace fb = flipbook;

namespace {

/// Counts how often it makes a clip.
struct Slow {
  std::atomic<int>* made;
  Shape shape() const { return {2, 3, 4, 1}; }
  Index size() const { return 10; }
  Tensor<float> clip(Index i) const {
    ++*made;
    Tensor<float> clip(shape());
    Rng rng{5, static_cast<std::uint64_t>(i)};
    for (float& x : clip) x = static_cast<float>(rng.uniform());
    return clip;
  }
};
static_assert(FiniteDataset<Cached<Slow>>);

}  // namespace

TEST_CASE("a clip is made once, and is the same ever after") {
  const Folder folder;
  std::atomic<int> made = 0;
  const Slow source{&made};
  const auto expected = to_vector(source.clip(3));
  made = 0;
  for (int run = 0; run < 2; ++run) {
    const Cached cached(source, folder.path() / "deep" / "inside", "slow");
    CHECK(cached.shape() == source.shape());
    CHECK(cached.size() == 10);
    CHECK(to_vector(cached.clip(3)) == expected);
    CHECK(to_vector(cached.clip(3)) == expected);
  }
  CHECK(made == 1);
}

TEST_CASE("8 bits are what the first call gives, too") {
  const Folder folder;
  std::atomic<int> made = 0;
  const Cached cached(Slow{&made}, folder.path(), "slow", {.bytes = true});
  const auto first = to_vector(cached.clip(0)), second = to_vector(cached.clip(0)),
             exact = to_vector(Slow{&made}.clip(0));
  CHECK(first == second);
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(std::abs(first[i] - exact[i]) <= 0.5001F / 255);
}

TEST_CASE("another source's folder is refused, and both are named") {
  const Folder folder;
  std::atomic<int> made = 0;
  const Cached cached(Slow{&made}, folder.path(), "slow, seed 1");
  const auto said = error_of([&] { Cached(Slow{&made}, folder.path(), "slow, seed 2"); });
  mentions(said, "seed 1");
  mentions(said, "seed 2");
  mentions(error_of([&] { Cached(Slow{&made}, folder.path(), "slow, seed 1", {.bytes = true}); }), "8 bits");
  Cached(Slow{&made}, folder.path(), "slow, seed 1");
}

TEST_CASE("a damaged file, and one that is another clip's, are refused by name") {
  const Folder folder;
  std::atomic<int> made = 0;
  const Cached cached(Slow{&made}, folder.path(), "slow");
  cached.clip(1), cached.clip(2);
  const auto file = folder / "1.safetensors";
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-2, std::ios::end);
    bytes.put('?');
  }
  mentions(error_of([&] { cached.clip(1); }), "1.safetensors' is damaged");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 4);
  mentions(error_of([&] { cached.clip(1); }), "1.safetensors");
  std::filesystem::copy_file(folder / "2.safetensors", file, std::filesystem::copy_options::overwrite_existing);
  mentions(error_of([&] { cached.clip(1); }), "is not clip 1");
  std::filesystem::remove(file);
  CHECK(to_vector(cached.clip(1)) == to_vector(Slow{&made}.clip(1)));
  CHECK_THROWS_AS(Cached(Slow{&made}, "/dev/null/folder", "slow"), Error);
}

TEST_CASE("threads share a folder, and of several sources that want it one gets it") {
  const Folder folder;
  std::atomic<int> made = 0, owners = 0, wrong = 0;
  const auto expected = to_vector(Slow{&made}.clip(0));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        if (to_vector(Cached(Slow{&made}, folder / text("shared-", round), "slow").clip(0)) != expected) ++wrong;
        try {
          Cached(Slow{&made}, folder / text(round), text("slow ", i));
          ++owners;
        } catch (const Error&) {
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(owners == 5);
}

TEST_CASE("sources are made of each other") {
  const Folder folder;
  // [wrappers]
  const fb::Subset training(fb::Rain(), 0, 1000), test(fb::Rain(), 1000, 1100);  // finite, and apart
  const fb::Concatenated both(training, fb::Subset(fb::FluidFlow(), 0, 500));    // 1500 clips
  const fb::Augmented varied(fb::Shuffled{both}, {.height = 48, .width = 48, .flip_horizontally = true});
  const fb::Mixture mixed({0.75, 0.25}, 1, fb::Rain(), fb::FluidFlow());  // three of four are rain
  const fb::Cached kept(test, folder / "rain", "rain, seed 0, clips 1000 to 1099", {.bytes = true});
  const auto scale = fb::Normalisation::measured(kept, 20);
  const auto input = scale.normalise(kept.clip(0));  // (T, H, W, 1), of mean 0 and deviation 1
  // [/wrappers]
  CHECK(both.size() == 1500);
  CHECK(varied.clip(7).shape() == fb::Shape{20, 48, 48, 1});
  CHECK(mixed.shape() == training.shape());
  CHECK(input.shape() == training.shape());
  const auto again = scale.restore(input), exact = test.clip(0);
  for (Index i = 0; i < again.size(); ++i) REQUIRE(std::abs(again.data()[i] - exact.data()[i]) < 0.003);
}
