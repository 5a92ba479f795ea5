// SPDX-License-Identifier: MIT
#include <flipbook/log/log.hpp>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <string>
#include <vector>

#include <flipbook/io/image.hpp>
#include <flipbook/log/csv.hpp>
#include <flipbook/log/json_lines.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// Remembers what it was given, or fails.
struct Memory {
  std::vector<std::string>* lines;
  bool fails = false;

  void losses(Index step, const Losses& values) {
    require(!fails, "no room");
    for (const auto& [name, value] : values) lines->push_back(text(step, " ", name, " ", value));
  }
  void picture(Index step, const std::string& name, const LoggedPicture& p) {
    lines->push_back(
        text(step, " ", name, " ", p.ending(), " ", p.frames, " ", p.height, " ", p.width, " ", p.channels));
  }
  void flush() { lines->push_back("flushed"); }
};
static_assert(LogSink<Memory> && LogSink<CsvLog> && LogSink<JsonLinesLog>);
using Lines = std::vector<std::string>;

std::string content(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// As long as one lives, files end at so many bytes, as on a full disk.
struct FullDisk {
  rlimit before{};
  void (*handler)(int) = ::signal(SIGXFSZ, SIG_IGN);
  explicit FullDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
  }
};

}  // namespace

TEST_CASE("each sink is given values, images, clips, and several clips side by side") {
  Lines a, b;
  {
    const Log log{Memory{&a}, Memory{&b}};
    log(3, {{"loss", 1}, {"kl", 2}});
    log.scalar(4, "rate", 3);
    log.image(4, "one", Tensor<std::uint8_t>({5, 6, 3}));
    log.clip(5, "moving", Tensor<float>({2, 5, 6, 1}));
    log.clip(5, "many", Tensor<double>({9, 2, 5, 6, 1}));
  }
  CHECK(a == Lines{"3 loss 1.000000", "3 kl 2.000000", "4 rate 3.000000", "4 one png 1 5 6 3", "5 moving gif 2 5 6 1",
                   "5 many gif 2 12 62 1", "flushed"});
  CHECK(b == a);
}

TEST_CASE("a sink that fails says so once, and stops neither the others nor the training") {
  Lines failing, good;
  Folder folder;
  const int terminal = ::dup(STDERR_FILENO), file = ::open((folder / "said").c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, STDERR_FILENO);
  {
    const Log log{Memory{&failing, true}, Memory{&good}};
    for (Index step = 1; step <= 3; ++step) log(step, {{"loss", 1}});
  }
  ::dup2(terminal, STDERR_FILENO);
  ::close(terminal), ::close(file);
  CHECK(good.size() == 4);
  CHECK(failing == Lines{"flushed"});
  CHECK(content(folder / "said") == "\nflipbook: not logged: no room\n");
}

TEST_CASE("what is no picture and no name is refused, numbers that are none are drawn") {
  Lines lines;
  const Log log{Memory{&lines}};
  CHECK_THROWS_AS(log.image(1, "x", Tensor<float>({2, 2})), Error);
  CHECK_THROWS_AS(log.image(1, "x", Tensor<float>({2, 2, 4})), Error);
  CHECK_THROWS_AS(log.clip(1, "x", Tensor<float>({2, 2, 3})), Error);
  CHECK_THROWS_AS(log.clip(1, "x", Tensor<float>({0, 2, 2, 2, 3})), Error);
  mentions(error_of([&] { log.scalar(1, "a,b", 1); }), "a,b");
  mentions(error_of([&] { log.clip(1, "", Tensor<float>({2, 2, 2, 3})); }), "''");
  CHECK(lines.empty());
  log.image(1, "x", Tensor<float>({1, 2, 1}, {std::nanf(""), INFINITY}));
  CHECK(lines.size() == 1);
  CHECK(Log{}.empty());
}

TEST_CASE("a table of comma-separated values has a line for each, and pictures beside it") {
  Folder folder;
  const auto runs = folder / "runs";
  {
    const Log log{CsvLog(runs / "1")};
    log(1, {{"loss", 0.1}, {"kl", std::nan("")}});
    log.image(1, "a/b ../c", Tensor<std::uint8_t>({2, 2, 3}));
    log.clip(2, "samples", Tensor<float>({2, 2, 2, 1}));
  }
  CHECK(content(runs / "1" / "scalars.csv") == "step,name,value\n1,loss,0.10000000000000001\n1,kl,\n");
  CHECK(read_image(runs / "1" / "a_b____c-1.png", 3).shape() == Shape{2, 2, 3});
  CHECK(content(runs / "1" / "samples-2.gif").starts_with("GIF89a"));
}

TEST_CASE("lines of JSON have values and the names of files") {
  Folder folder;
  {
    const Log log{JsonLinesLog(folder.path())};
    log(1, {{"loss", 0.5}, {"kl", INFINITY}});
    log.clip(2, "samples", Tensor<float>({2, 2, 2, 1}));
  }
  const std::string lines = content(folder / "log.jsonl");
  const auto end = lines.find('\n');
  CHECK(lines.starts_with("{\"step\": 1, \"time\": "));
  CHECK(lines.substr(0, end).ends_with(", \"values\": {\"loss\": 0.5, \"kl\": null}}"));
  CHECK(lines.substr(end).ends_with(", \"name\": \"samples\", \"file\": \"samples-2.gif\"}\n"));
}

TEST_CASE("a run that goes on adds to what is there, but for a line that was never finished") {
  Folder folder;
  CsvLog(folder.path()).losses(1, {{"loss", 1}});
  const std::string before = content(folder / "scalars.csv"), cut = before + "2,los";
  with_bytes(folder / "scalars.csv", Bytes(cut.begin(), cut.end()));
  CsvLog(folder.path()).losses(2, {{"loss", 2}});
  CHECK(content(folder / "scalars.csv") == before + "2,loss,2\n");
}

TEST_CASE("on a full disk whole lines are left, and later ones follow when there is room again") {
  Folder folder;
  CsvLog log(folder.path());
  {
    const FullDisk full(30);
    log.losses(1, {{"loss", 1}});
    mentions(error_of([&] { log.losses(2, {{"loss", 2}}); }), (folder / "scalars.csv").string());
    CHECK(content(folder / "scalars.csv") == "step,name,value\n1,loss,1\n");
  }
  log.losses(3, {{"loss", 3}});
  CHECK(content(folder / "scalars.csv") == "step,name,value\n1,loss,1\n3,loss,3\n");
}

TEST_CASE("a folder that cannot be had is refused by its name") {
  Folder folder;
  const auto taken = with_bytes(folder / "taken", {'x'});
  mentions(error_of([&] { CsvLog{taken}; }), taken.string());
  mentions(error_of([&] { JsonLinesLog{taken / "inside"}; }), (taken / "inside").string());
  std::filesystem::create_directory(folder / "scalars.csv");
  mentions(error_of([&] { CsvLog{folder.path()}; }), (folder / "scalars.csv").string());
}
