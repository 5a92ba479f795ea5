// SPDX-License-Identifier: MIT
#include <flipbook/train/snapshot.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>

#include <flipbook/optim/sgd.hpp>

using namespace flipbook;

namespace {

/// The host, whose memory ends after so many allocations, and which takes so many copies of several pieces.
struct Limited : Cpu {
  static inline int allocations = 0, copies = 0;
  static void* allocate(std::size_t bytes) {
    if (allocations-- <= 0) throw std::bad_alloc();
    return Cpu::allocate(bytes);
  }
  using Cpu::copy;
  static void copy(std::span<const CopyPiece> pieces) {
    if (copies-- <= 0) throw Error("no more copies");
    Cpu::copy(pieces);
  }
};

struct Numbers {
  Tensor<float, Limited> a, b;
  Numbers() {
    Limited::allocations = 2, Limited::copies = 100;
    a = Tensor<float, Limited>({3}, {1, 2, 3}), b = Tensor<float, Limited>({2}, {4, 5});
  }
  void change() { std::ranges::fill(a, -1.F), std::ranges::fill(b, -1.F); }
  bool unchanged() const {
    return std::ranges::equal(a, std::array{1.F, 2.F, 3.F}) && std::ranges::equal(b, std::array{4.F, 5.F});
  }
  bool changed() const { return std::ranges::count(a, -1.F) == 3 && std::ranges::count(b, -1.F) == 2; }
};

}  // namespace

TEST_CASE("what a snapshot holds comes back unless it is released") {
  for (const bool released : {false, true}) {
    CAPTURE(released);
    Numbers numbers;
    Limited::allocations = 100;
    {
      Snapshot<Limited> before;
      before.add(numbers.a);
      before.together([&] { before.add(numbers.b); }, [] {});
      numbers.change();
      if (released) before.release();
    }
    CHECK(numbers.unchanged() == !released);
    CHECK(numbers.changed() == released);
  }
}

TEST_CASE("a released snapshot takes again") {
  Numbers numbers;
  Limited::allocations = 100;
  {
    Snapshot<Limited> before;
    before.add(numbers.a);
    before.release();
    before.add(numbers.a), before.add(numbers.b);
    numbers.change();
  }
  CHECK(numbers.unchanged());
}

TEST_CASE("an optimiser's moments and steps come back") {
  Tensor<float> p({2}, {1, 2});
  const Tensor<float> dp({2}, {3, 4});
  Optimizer sgd{optim::Sgd{.learning_rate = 0.5, .momentum = 0.5}, p};
  sgd.step(p, dp);
  const Tensor<float> once = p.clone();
  {
    Snapshot<Cpu> before;
    before.add(p), before.add(sgd);
    sgd.step(p, dp);
    CHECK(p.data()[0] != once.data()[0]);
  }
  CHECK(sgd.steps() == 1);
  CHECK(p.data()[0] == once.data()[0]);
  sgd.step(p, dp);  // the velocity is 1.5 dp, as after one step
  CHECK(p.data()[0] == once.data()[0] - 0.5F * 1.5F * 3);
  CHECK(p.data()[1] == once.data()[1] - 0.5F * 1.5F * 4);
}

TEST_CASE("a snapshot that memory or a copy fails under changes nothing") {
  for (int allocations = 0; allocations < 3; ++allocations) {
    for (int copies = 0; copies < 2; ++copies) {
      CAPTURE(allocations);
      CAPTURE(copies);
      Numbers numbers;
      Limited::allocations = allocations, Limited::copies = copies;
      const auto take = [&] {
        Snapshot<Limited> before;
        before.together([&] { before.add(numbers.a); }, [&] { before.add(numbers.b); });
        before.release();
      };
      if (allocations == 2 && copies == 1) CHECK_NOTHROW(take());
      else CHECK_THROWS(take());
      CHECK(numbers.unchanged());
    }
  }
}
