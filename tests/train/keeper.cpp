// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <flipbook/nn/activation.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/optim/sgd.hpp>

#include "../io/files.hpp"
#include "models.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

using Small = Squares<Sequential<Flatten, Linear<4, 3>, ReLU, Linear<3, 2>>>;
using Smooth = Squares<Sequential<Flatten, Linear<4, 3>, SiLU, Linear<3, 2>>>;

const GreyClips clips{{1, 2, 2, 1}};

template <class Model = Small>
auto new_trainer() {
  return Trainer{Module<Model, float>{Rng{1}}, optim::Sgd{.learning_rate = 1e-2}};
}
FitOptions keeping(Index steps, const Folder& folder, Index keep) {
  return {.steps = steps,
          .batch = 2,
          .checkpoint = folder / "run.safetensors",
          .checkpoint_every = 1e9,
          .keep = keep,
          .title = ""};
}
/// Fits so far, and then so many steps more each time, so that there is a checkpoint of each.
void fit_by(Index more, int times, const Folder& folder, Index keep, auto& trainer) {
  for (int i = 0; i < times; ++i) trainer.fit(clips, keeping(trainer.steps() + more, folder, keep));
}
Index steps_in(const std::filesystem::path& path) {
  auto trainer = new_trainer();
  trainer.resume(path);
  return trainer.steps();
}
std::vector<std::string> names_in(const Folder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the newest checkpoint has the name that was given, and of older ones as many stay as are kept") {
  const Folder folder;
  auto trainer = new_trainer();
  fit_by(100, 5, folder, 3, trainer);
  CHECK(names_in(folder) == Names{"run.000300.safetensors", "run.000400.safetensors", "run.safetensors"});
  CHECK(steps_in(folder / "run.safetensors") == 500);
  CHECK(steps_in(folder / "run.000300.safetensors") == 300);
  CHECK(steps_in(older_checkpoint(folder / "run.safetensors", 400)) == 400);
}

TEST_CASE("what is written while training goes on is the run as it was at its step") {
  const Folder folder;
  auto trainer = new_trainer();
  FitOptions options = keeping(200, folder, 1000);
  options.checkpoint_every = 0;
  std::vector<std::vector<float>> parameters{to_vector(trainer.model.parameters())};
  trainer.fit(clips, options,
              [&](Index, const Losses&) { parameters.push_back(to_vector(trainer.model.parameters())); });
  CHECK(folder.entries() > 1);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    auto then = new_trainer();
    then.resume(entry.path());
    CHECK(to_vector(then.model.parameters()) == parameters[static_cast<std::size_t>(then.steps())]);
  }
}

TEST_CASE("a run that went back leaves the checkpoints ahead of it alone, and other files at all times") {
  const Folder folder;
  auto trainer = new_trainer();
  fit_by(100, 4, folder, 3, trainer);
  for (const char* other : {"run.1.safetensors", "run.000001.bin", "other.000001.safetensors", "run.x.safetensors"}) {
    with_bytes(folder / other, {1});
  }
  auto back = new_trainer();
  back.resume(folder / "run.000200.safetensors");
  fit_by(10, 3, folder, 2, back);
  CHECK(names_in(folder) == Names{"other.000001.safetensors", "run.000001.bin", "run.000220.safetensors",
                                  "run.000300.safetensors", "run.000400.safetensors", "run.1.safetensors",
                                  "run.safetensors", "run.x.safetensors"});
  CHECK(steps_in(folder / "run.safetensors") == 230);
}

TEST_CASE("where one checkpoint is kept, nothing is removed") {
  const Folder folder;
  auto trainer = new_trainer();
  fit_by(100, 3, folder, 3, trainer);
  fit_by(100, 1, folder, 1, trainer);
  CHECK(names_in(folder) == Names{"run.000100.safetensors", "run.000200.safetensors", "run.safetensors"});
}

TEST_CASE("checkpoints that there is no room for, and none at all, are refused before the first step") {
  const Folder folder;
  auto trainer = new_trainer();
  mentions(error_of([&] { trainer.fit(clips, keeping(3, folder, Index{1} << 50)); }), "there is no room for");
  mentions(error_of([&] { trainer.fit(clips, keeping(3, folder, 0)); }), "at least one checkpoint");
  CHECK(trainer.steps() == 0);
  CHECK(folder.entries() == 0);
}

TEST_CASE("the best model is kept with its value, and a resumed run knows it") {
  const Folder folder;
  const std::vector<double> worth{5, 3, std::nan(""), 4, 3.5, 2, 6};
  const auto best = best_checkpoint(folder / "run.safetensors");
  CHECK(best == folder / "run.best.safetensors");
  std::size_t asked = 0;
  FitOptions options = keeping(4, folder, 1);
  options.evaluate = [&] { return worth[asked++]; };
  options.evaluate_every = 1;
  auto trainer = new_trainer();
  trainer.fit(clips, options);
  CHECK(steps_in(best) == 2);
  CHECK(read_safetensors(best).metadata.at("best") == "3");

  auto resumed = new_trainer();
  resumed.resume(options.checkpoint);
  CHECK(resumed.best() == 3);
  options.steps = 5;
  resumed.fit(clips, options);
  CHECK(steps_in(best) == 2);
  options.steps = 7;
  resumed.fit(clips, options);
  CHECK(steps_in(best) == 6);
  CHECK(names_in(folder) == Names{"run.best.safetensors", "run.safetensors"});

  // A checkpoint of before the best does not know it, but the file does.
  auto earlier = new_trainer();
  earlier.fit(clips, {.steps = 4, .batch = 2, .title = ""});
  asked = 4;
  options.steps = 5;
  earlier.fit(clips, options);
  CHECK(steps_in(best) == 6);
  CHECK(earlier.best() == 2);
  auto fresh = new_trainer();  // a new run has a best of its own
  asked = 0;
  options.steps = 1;
  fresh.fit(clips, options);
  CHECK(steps_in(best) == 1);
}

TEST_CASE("the best may be the highest, and without an interval the model is evaluated with each checkpoint") {
  const Folder folder;
  FitOptions options = keeping(3, folder, 1);
  Index asked = 0;
  options.evaluate = [&] { return static_cast<double>(++asked); };
  options.higher_is_better = true;
  auto trainer = new_trainer();
  trainer.fit(clips, options);
  CHECK(asked == 1);
  CHECK(steps_in(best_checkpoint(options.checkpoint)) == 3);
  options.steps = 4;
  trainer.fit(clips, options);
  CHECK(steps_in(best_checkpoint(options.checkpoint)) == 4);
  options.checkpoint.clear();
  options.steps = 5;
  mentions(error_of([&] { trainer.fit(clips, options); }), "the best model is kept beside a checkpoint");
}

TEST_CASE("a checkpoint of another model is refused with both types from where they differ, unless that is asked for") {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  auto trainer = new_trainer();
  trainer.save(path);
  auto other = new_trainer<Smooth>();
  const std::string message = error_of([&] { other.resume(path); });
  CAPTURE(message);
  CHECK(message.find("ReLU, ") != std::string::npos);
  CHECK(message.find("SiLU, ") > message.find("ReLU, "));
  CHECK(message.find("flipbook::") == std::string::npos);
  CHECK(message.size() < 500);
  other.resume(path, {.any_model = true});
  CHECK(to_vector(other.model.parameters()) == to_vector(trainer.model.parameters()));

  const SafetensorsFile file = read_safetensors(path);
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : file.tensors) tensors.push_back(tensor);
  auto metadata = file.metadata;
  for (const char* entry : {"flipbook.checksum", "flipbook.model"}) CHECK(metadata.erase(entry) == 1);
  write_safetensors(path, tensors, metadata);  // as files were before
  new_trainer().resume(path);
}

TEST_CASE("a description is the same by another compiler, or of the same text, and tells of what differs first") {
  CHECK(flipbook::detail::same_type("17 Linear<1, 2>", "17 Linear<1,2>"));
  CHECK(flipbook::detail::same_type("17 Linear<1, 2>", "18 Linear<1, 2>"));
  CHECK(!flipbook::detail::same_type("17 Linear<1, 2>", "18 Linear<1, 3>"));
  CHECK(flipbook::detail::type_name(flipbook::detail::spelled<Small>()).find("Sequential<") != std::string::npos);
  CHECK(flipbook::detail::difference("A<B, C>", "A<B, D>") == "the file's is 'A<B, C>', this program's 'A<B, D>'");
  const std::string long_one = "Model<First<1, 2, 3>, Second<4, 5, 6>, Third<7, 8, 9>>";
  std::string other = long_one;
  other[long_one.find('8')] = '0';
  CHECK(flipbook::detail::difference(long_one, other) ==
        "the file's is '…4, 5, 6>, Third<7, 8, 9>>', this program's '…4, 5, 6>, Third<7, 0, 9>>'");
}
