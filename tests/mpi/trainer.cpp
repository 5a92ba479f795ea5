// SPDX-License-Identifier: MIT
#include "ranks.hpp"

#include <csignal>
#include <cstdlib>
#include <set>

#include <unistd.h>

#include "../train/models.hpp"

using namespace flipbook::nn;

namespace {

using SmallVae = test::TinyVae<2, 6>;

FitOptions quietly(Index steps) { return {.steps = steps, .batch = whole_batch / ranks().size(), .title = ""}; }

/// A folder that rank 0 makes, for all ranks, and removes.
struct Folder {
  std::filesystem::path path;
  Folder() {
    auto id = static_cast<double>(::getpid());
    if (ranks().rank() != 0) id = 0;
    ranks().sum(&id, 1, distributed::Number::float64);
    path = std::filesystem::temp_directory_path() / ("flipbook_ranks_" + std::to_string(static_cast<long>(id)));
    if (ranks().rank() == 0) std::filesystem::create_directories(path);
    wait();
  }
  ~Folder() {
    wait();
    if (ranks().rank() == 0) std::filesystem::remove_all(path);
  }
  static void wait() { (void)mean_over_ranks(0.0); }
};

/// A source that notes which clips it was asked for.
struct Noted {
  std::set<Index>* asked;
  Shape shape() const { return shapes.shape(); }
  Tensor<float> clip(Index i) const {
    asked->insert(i);
    return shapes.clip(i);
  }
};

/// Throws at a step, on one rank alone.
struct Breaks {
  Shape shape() const { return shapes.shape(); }
  Tensor<float> clip(Index i) const {
    require(i < 5 * whole_batch || ranks().rank() != 1, "the disk of this rank is gone");
    return shapes.clip(i);
  }
};

}  // namespace

TEST_CASE("sums, means, broadcasts and shares") {
  const int n = ranks().size(), rank = ranks().rank();
  const Tensor<float> own({2}, {float(rank), 1});
  CHECK(to_vector(sum_over_ranks(own)) == std::vector<float>{float(n * (n - 1) / 2), float(n)});
  CHECK(to_vector(sum_over_ranks(cast<bfloat16>(own)))[1] == bfloat16(float(n)));
  CHECK(mean_over_ranks(double(rank)) == doctest::Approx((n - 1) / 2.0));
  const Tensor<double> copied({1}, {double(rank + 7)});
  copy_from_first_rank(copied);
  CHECK(copied.item() == 7);
  const Tensor<double> whole = zeros<double>({11});
  const auto [first, last] = share_of_rank(11, rank, n);
  std::fill(whole.slice(first, last).begin(), whole.slice(first, last).end(), 3.0);
  gather_shares(whole);
  CHECK(std::count(whole.begin(), whole.end(), 3.0) == 11);
}

TEST_CASE("sums that have begun end in the order in which they began") {
  std::vector<Tensor<double>> sums;
  for (Index i = 0; i < 20; ++i) {
    sums.push_back(full<double>({1000 * i + 1}, double(i)));
    ranks().begin_sum(sums.back().data(), static_cast<std::size_t>(sums.back().size()), distributed::Number::float64);
    ranks().progress();
  }
  ranks().finish_sums();
  for (Index i = 0; i < 20; ++i) CHECK(sums[std::size_t(i)].data()[1000 * i] == double(i * ranks().size()));
}

TEST_CASE("ranks share the clips without overlap, and together train as one process does") {
  std::set<Index> asked;
  auto together = new_trainer<SmallVae>();
  together.fit(Noted{&asked}, quietly(4));
  double seen = static_cast<double>(asked.size()), same_index = 0;
  for (Index i = 0; i < 4 * whole_batch; ++i) {
    const double ranks_with_it = mean_over_ranks(asked.contains(i) ? 1.0 : 0.0) * ranks().size();
    same_index += ranks_with_it;
    CHECK(ranks_with_it == doctest::Approx(1));
  }
  CHECK(seen >= 4 * static_cast<double>(whole_batch) / ranks().size());

  auto alone = new_trainer<SmallVae>();
  const distributed::Use use(distributed::alone);
  alone.fit(shapes, {.steps = 4, .batch = whole_batch, .title = ""});
  CHECK(furthest(alone.model.parameters(), together.model.parameters()) < 1e-6);
  CHECK(furthest(alone.history().table(), together.history().table()) < 1e-6);
}

TEST_CASE("a loop of one's own averages as fit does") {
  namespace fb = flipbook;
  const auto source = shapes;
  const Index batch = whole_batch / ranks().size();
  // [own-loop]
  const auto& world = fb::distributed::world();
  fb::DataLoader loader(source, {.batch = batch, .part = world.rank(), .parts = world.size()});
  fb::Module<SmallVae, double> model{fb::Rng{1}};  // from the same seed on every rank
  fb::Optimizer adam{fb::optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  fb::Rng rng = fb::Rng{2}.of_part(world.rank(), world.size());
  for (int step = 0; step < 3; ++step) {
    const auto clips = fb::cast<double>(loader.next());
    fb::train_step(model, adam, rng, [&](fb::Tape& tape) { return model->loss(tape.constant(clips)); });
  }
  // [/own-loop]
  auto fitted = new_trainer<SmallVae>();
  fitted.fit(shapes, quietly(3));
  CHECK(same(model.parameters(), fitted.model.parameters()));
}

TEST_CASE("models that begin otherwise on each rank train as rank 0's") {
  Trainer trainer{Module<SmallVae, double>{Rng{static_cast<std::uint64_t>(ranks().rank())}}, optim::Adam{}};
  CHECK(same_on_all_ranks(trainer.model.parameters()));
  CHECK(same(trainer.model.parameters(), Module<SmallVae, double>{Rng{0}}.parameters()));
}

TEST_CASE("an optimiser in shares steps to the same bits, and its checkpoint is everyone's") {
  const Folder folder;
  auto whole = new_trainer<SmallVae>(), shares = new_trainer<SmallVae>();
  shares.shard_optimizers();
  auto kept = quietly(3);
  kept.checkpoint = folder.path / "kept.safetensors";
  kept.checkpoint_every = 0;
  whole.fit(shapes, quietly(3));
  shares.fit(shapes, kept);
  CHECK(same(whole.model.parameters(), shares.model.parameters()));
  Index remembered = 0;
  shares.training().visit_optimizers([&](const std::string&, const auto& optimizer) {
    optimizer.visit([&](const auto&, const auto& memory) { remembered += memory.size(); });
  });
  CHECK(remembered <= 2 * (whole.model.parameters().size() / ranks().size() + 1));

  shares.save(folder.path / "shares.safetensors");
  whole.save(folder.path / "whole.safetensors");
  Folder::wait();
  auto resumed = new_trainer<SmallVae>();
  resumed.shard_optimizers();
  resumed.resume(folder.path / "whole.safetensors");
  auto other = new_trainer<SmallVae>();
  other.resume(folder.path / "shares.safetensors");
  for (auto* trainer : {&whole, &resumed, &other}) trainer->fit(shapes, quietly(6));
  CHECK(same(whole.model.parameters(), resumed.model.parameters()));
  CHECK(same(whole.model.parameters(), other.model.parameters()));
}

TEST_CASE("one rank that is told to stop stops all after the same step, and one file is written") {
  const Folder folder;
  auto trainer = new_trainer<SmallVae>();
  auto options = quietly(1'000'000);
  options.checkpoint = folder.path / "run.safetensors";
  const bool last = ranks().rank() == ranks().size() - 1;
  const bool complete = trainer.fit(shapes, options, [&](Index steps, const Losses&) {
    if (last && steps == 5) std::raise(SIGTERM);
  });
  CHECK(!complete);
  CHECK(trainer.steps() == 5);
  Folder::wait();
  auto resumed = new_trainer<SmallVae>();
  resumed.resume(options.checkpoint);
  CHECK(same(resumed.model.parameters(), trainer.model.parameters()));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("a training by the clock ends on all ranks after the same step") {
  auto trainer = new_trainer<SmallVae>();
  auto options = quietly(1);
  options.minutes = 0.002;
  options.rate_of_share = [](double share) { return 1e-3 * (1 - share); };
  CHECK(trainer.fit(shapes, options));
  CHECK(mean_over_ranks(static_cast<double>(trainer.steps())) == static_cast<double>(trainer.steps()));
  CHECK(same_on_all_ranks(trainer.model.parameters()));
}

TEST_CASE("numbers of one rank that are not finite leave all ranks as they were") {
  auto trainer = new_trainer<SmallVae>();
  take_steps(trainer, shapes, 2);
  const auto before = trainer.model.parameters().clone();
  auto batch = cast<double>(batch_of(shapes, 0, 2));
  if (ranks().rank() == ranks().size() - 1) batch.data()[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS((void)trainer.step(batch), NotFinite);
  CHECK(same(trainer.model.parameters(), before));
  take_steps(trainer, shapes, 1);
  CHECK(same_on_all_ranks(trainer.model.parameters()));
}

// The next ones run by themselves: they end the program, or go on from a checkpoint of another number of ranks.

TEST_CASE("a run of several ranks goes on by another number" * doctest::skip()) {
  const std::filesystem::path checkpoint = std::getenv("FLIPBOOK_TEST_CHECKPOINT");
  auto trainer = new_trainer<SmallVae>();
  auto options = quietly(3);
  options.checkpoint = checkpoint;
  if (std::filesystem::exists(checkpoint)) {
    trainer.resume(checkpoint);
    CHECK(trainer.steps() == 3);
    options.steps = 6;
  }
  trainer.fit(shapes, options);
  if (options.steps == 3) return;
  CHECK(trainer.steps() == 6);
  auto alone = new_trainer<SmallVae>();
  const distributed::Use use(distributed::alone);
  alone.fit(shapes, {.steps = 6, .batch = whole_batch, .title = ""});
  CHECK(furthest(alone.model.parameters(), trainer.model.parameters()) < 1e-6);
}

TEST_CASE("a rank that dies ends the others" * doctest::skip()) {
  auto trainer = new_trainer<SmallVae>();
  trainer.fit(shapes, quietly(1'000'000'000), [](Index steps, const Losses&) {
    if (steps == 5 && ranks().rank() == 1) ::kill(::getpid(), SIGKILL);
  });
}

TEST_CASE("a rank that throws ends the others, and says why" * doctest::skip()) {
  auto trainer = new_trainer<SmallVae>();
  auto options = quietly(1'000'000'000);
  options.checkpoint = std::getenv("FLIPBOOK_TEST_CHECKPOINT");
  trainer.fit(Breaks{}, options);
}
