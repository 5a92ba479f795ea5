// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/log/csv.hpp>
#include <flipbook/log/page.hpp>
#include <flipbook/log/tensorboard.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/sgd.hpp>

#include "../io/files.hpp"
#include "models.hpp"

using namespace flipbook;
using namespace flipbook::test;
namespace fb = flipbook;

namespace {

std::string content(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("a training is logged to several places in a line, and more of it in one's own function") {
  Folder temporary;
  const auto folder = temporary.path();
  const MovingShapes clips({.frames = 2, .canvas = 16});
  Trainer trainer{Module<Mean, float>{}, optim::Sgd{.learning_rate = 0.2}};
  fb::Rng rng{1};
  {
    // [watching]
    const fb::Log log{fb::TensorBoardLog(folder / "runs/1"), fb::CsvLog(folder / "runs/1"),
                      fb::PageLog(folder / "run.html", {.title = "shapes", .steps = 8})};
    trainer.fit(clips, {.steps = 4, .title = ""}, log);  // the losses of each step

    trainer.fit(clips, {.steps = 8, .title = ""}, [&](fb::Index step, const fb::Losses& losses) {
      log(step, losses);
      if (step % 4 == 0) log.clip(step, "samples", trainer.model->sample({3, 2, 16, 16, 3}, rng));  // (N, T, H, W, C)
    });
    // [/watching]
  }
  std::string expected = "step,name,value\n";
  for (const History::Row& row : trainer.history().rows())
    expected += text(row.step, ",loss,", detail::all_digits(row.values[0]), "\n");
  CHECK(content(folder / "runs/1/scalars.csv") == expected);
  CHECK(std::filesystem::exists(folder / "runs/1/samples-8.gif"));
  const std::string page = content(folder / "run.html");
  CHECK(page.find("8 <small>of 8") != std::string::npos);
  CHECK(page.find("data:image/gif;base64") != std::string::npos);
}

TEST_CASE("what is logged changes nothing of a training, and a log that cannot write does not end it") {
  Folder folder;
  const MovingShapes clips({.frames = 2, .canvas = 16});
  const auto losses_with = [&](const Log& log) {
    Trainer trainer{Module<Mean, float>{}, optim::Sgd{.learning_rate = 0.2}};
    trainer.fit(clips, {.steps = 3, .title = ""}, log);
    return to_vector(trainer.history().table());
  };
  const auto expected = losses_with(Log{});
  CHECK(losses_with(Log{CsvLog(folder.path())}) == expected);
  std::filesystem::create_directory(folder / "gone");
  const Log lost{PageLog(folder / "gone/run.html")};
  std::filesystem::remove_all(folder / "gone");
  CHECK(losses_with(lost) == expected);
}
