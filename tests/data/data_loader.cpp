// SPDX-License-Identifier: MIT
#include <flipbook/data/data_loader.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include <flipbook/data/fixed_camera.hpp>
#include <flipbook/data/moving_shapes.hpp>

using namespace flipbook;

namespace {

// Clips that hold their own index, some of which take longer, and one of which may fail.
struct Counting {
  Index broken = -1;
  std::shared_ptr<std::atomic<Index>> highest = std::make_shared<std::atomic<Index>>(-1);

  Shape shape() const { return {1, 1, 1, 1}; }
  Tensor<float> clip(Index i) const {
    for (Index seen = *highest; i > seen && !highest->compare_exchange_weak(seen, i);) {
    }
    if (i % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    require(i != broken, "clip ", i, " is broken");
    return Tensor<float>({1, 1, 1, 1}, {static_cast<float>(i)});
  }
};

thread_local bool out_of_memory = false;

// After the first clip, the thread that asks for clips has no memory any more.
struct Exhausting {
  Shape shape() const { return {1, 1, 1, 1}; }
  Tensor<float> clip(Index i) const {
    if (i > 0) out_of_memory = true;
    const std::vector<float> numbers(1, static_cast<float>(i));
    return Tensor<float>(shape(), numbers);
  }
};

// Clips that are made only while `wanted` others are in the making.
struct Meeting {
  int wanted;
  std::shared_ptr<std::atomic<int>> inside = std::make_shared<std::atomic<int>>(0);

  Shape shape() const { return {1, 1, 1, 1}; }
  Tensor<float> clip(Index) const {
    ++*inside;
    for (int tries = 0; *inside < wanted; ++tries) {
      require(tries < 10000, *inside, " workers, not ", wanted);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Tensor<float>(shape(), {0});
  }
};

// As Counting, with a label beside each.
struct Labelled : Counting {
  LabelledClip<> clip(Index i) const { return {Counting::clip(i), Tensor<float>(Shape{1}, {-static_cast<float>(i)})}; }
};

}  // namespace

void* operator new(std::size_t bytes) {
  void* const block = out_of_memory ? nullptr : std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

TEST_CASE("batches come in order and whole, whatever the number of workers") {
  for (const int workers : {1, 2, 5}) {
    DataLoader loader(Counting{}, {.batch = 3, .workers = workers, .ahead = 4});
    CHECK(loader.shape() == Shape{3, 1, 1, 1, 1});
    for (Index k = 0; k < 20; ++k) {
      CHECK(loader.position() == k);
      const auto batch = loader.next();
      const auto first = static_cast<float>(3 * k);
      REQUIRE(to_vector(batch) == std::vector<float>{first, first + 1, first + 2});
    }
  }
}

TEST_CASE("labels come with their clips") {
  DataLoader loader(Labelled{}, {.batch = 3, .workers = 2});
  loader.next();
  const LabelledClip<> batch = loader.next();
  CHECK(to_vector(batch.clip) == std::vector<float>{3, 4, 5});
  CHECK(to_vector(batch.label) == std::vector<float>{-3, -4, -5});
}

TEST_CASE("the number of workers changes no bit of a random source") {
  const MovingShapes source({.frames = 2, .canvas = 16, .seed = 8});
  DataLoader one(source, {.batch = 2, .workers = 1}), many(source, {.batch = 2, .workers = 4, .ahead = 8});
  for (int k = 0; k < 6; ++k) REQUIRE(to_vector(one.next()) == to_vector(many.next()));
}

TEST_CASE("nor any bit of what is beside the clips") {
  const FixedCamera source({.frames = 4, .canvas = 16, .events = 1});
  DataLoader one(source, {.batch = 2, .workers = 1}), many(source, {.batch = 2, .workers = 4, .ahead = 8});
  for (int k = 0; k < 6; ++k) {
    const auto a = one.next(), b = many.next();
    REQUIRE(to_vector(a.clip) == to_vector(b.clip));
    REQUIRE(to_vector(a.marks) == to_vector(b.marks));
  }
}

TEST_CASE("a loader that starts later goes on with the same batches") {
  DataLoader loader(Counting{}, {.batch = 2, .first = 7});
  CHECK(to_vector(loader.next()) == std::vector<float>{14, 15});
}

TEST_CASE("workers never run further ahead than they may") {
  const Counting source;
  DataLoader loader(source, {.batch = 1, .workers = 3, .ahead = 4});
  for (Index k = 0; k < 10; ++k) {
    loader.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    CHECK(*source.highest <= k + 4);
  }
}

TEST_CASE("as many clips are in the making as there are workers") {
  DataLoader loader(Meeting{.wanted = 5}, {.batch = 1, .workers = 5});
  CHECK_NOTHROW(loader.next());
}

TEST_CASE("an error of a worker reaches the consumer at its batch, and again at every later call") {
  DataLoader loader(Counting{.broken = 5}, {.batch = 2, .workers = 2, .ahead = 3});
  CHECK(to_vector(loader.next()) == std::vector<float>{0, 1});
  CHECK(to_vector(loader.next()) == std::vector<float>{2, 3});
  CHECK_THROWS_WITH_AS(loader.next(), "clip 5 is broken", Error);
  CHECK_THROWS_WITH_AS(loader.next(), "clip 5 is broken", Error);
}

TEST_CASE("a loader can be dropped at any moment") {
  for (int i = 0; i < 30; ++i) {
    const Counting source{.broken = i};
    {
      DataLoader loader(source, {.batch = 1, .workers = 1 + i % 4, .ahead = 1 + i % 3});
      for (int k = 0; k < std::min(i, i % 4); ++k) CHECK(loader.next().item() == static_cast<float>(k));
    }
    CHECK(source.highest.use_count() == 1);  // no worker holds the source any more
  }
}

TEST_CASE("options that make no batches are refused") {
  CHECK_THROWS_AS(DataLoader(Counting{}, {.batch = 0}), Error);
  CHECK_THROWS_AS(DataLoader(Counting{}, {.workers = 0}), Error);
  CHECK_THROWS_AS(DataLoader(Counting{}, {.ahead = -1}), Error);
}

TEST_CASE("a worker that runs out of memory is heard of at its batch, and ends nothing") {
  DataLoader loader(Exhausting{}, {.batch = 1, .ahead = 3});
  CHECK(loader.next().item() == 0);
  CHECK_THROWS_AS(loader.next(), std::bad_alloc);
  CHECK_THROWS_AS(loader.next(), std::bad_alloc);
}
