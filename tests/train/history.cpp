// SPDX-License-Identifier: MIT
#include <flipbook/train/history.hpp>

#include <doctest/doctest.h>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

History some() {
  History history;
  history.add(1, {{"loss", 0.5}});
  history.add(3, {{"discriminator", 0.1}, {"loss", -2}});
  history.add(1000000007, {{"discriminator", std::numeric_limits<double>::infinity()}});
  return history;
}

std::string content(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("a name that comes later gets a column of its own, empty before") {
  CHECK(some().csv() == "step,loss,discriminator\n1,0.5,\n3,-2,0.10000000000000001\n1000000007,,inf\n");
  CHECK(History{}.csv() == "step\n");
}

TEST_CASE("JSON has null for what is not finite") {
  CHECK(some().json() ==
        "{\"step\": [1, 3, 1000000007],\n \"loss\": [0.5, -2, null],\n \"discriminator\": [null, 0.10000000000000001, "
        "null]}\n");
  CHECK(History{}.json() == "{\"step\": []}\n");
}

TEST_CASE("the table of a history makes the same history again") {
  const History history = some();
  CHECK(history.table().shape() == Shape{3, 3});
  CHECK(History(history.names(), history.table()).csv() == history.csv());
  CHECK(History({}, History{}.table()).empty());
}

TEST_CASE("the path's ending says which of the two is written") {
  Folder folder;
  some().write(folder / "loss.json");
  some().write(folder / "loss.csv");
  CHECK(content(folder / "loss.json") == some().json());
  CHECK(content(folder / "loss.csv") == some().csv());
  CHECK_THROWS_AS(some().write(folder / "missing" / "loss.csv"), Error);
}

TEST_CASE("names that would break the files, and tables that are none, are refused") {
  History history;
  for (const char* name : {"", "a,b", "a\"b", "a\nb", "a\\b"}) CHECK_THROWS_AS(history.add(0, {{name, 1}}), Error);
  CHECK_THROWS_AS(History({"loss"}, Tensor<double>({1, 3}, {1, 2, 3})), Error);
  CHECK_THROWS_AS(History({"loss"}, Tensor<double>({2}, {1, 2})), Error);
  CHECK_THROWS_WITH_AS(History({"a", "a"}, Tensor<double>({1, 3}, {1, 2, 3})), doctest::Contains("'a' twice"), Error);
  CHECK_THROWS_AS(History({}, Tensor<double>({1, 1}, {1e300})), Error);
  CHECK_THROWS_AS(History({}, Tensor<double>({1, 1}, {std::nan("")})), Error);
}

TEST_CASE("a long history is thinned evenly, keeps its first and latest rows, and goes on alike from a file") {
  History whole, resumed;
  for (Index step = 1; step <= 100'000; ++step) {
    whole.add(step, {{"loss", static_cast<double>(step)}});
    resumed.add(step, {{"loss", static_cast<double>(step)}});
    if (step % 30'011 == 0) resumed = History(resumed.names(), resumed.table());
    REQUIRE(whole.rows().size() <= History::most);
  }
  CHECK(resumed.csv() == whole.csv());
  const auto& rows = whole.rows();
  CHECK(rows.size() >= History::most / 4);
  CHECK(rows.front().step == 1);
  CHECK(rows.back().step == 100'000);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(rows[i].step - rows[i - 1].step >= 1);
    REQUIRE(rows[i].step - rows[i - 1].step <= 16);
    REQUIRE(rows[i].values[0] == static_cast<double>(rows[i].step));
  }
  History same;
  for (int i = 0; i < 40'000; ++i) same.add(7, {{"loss", 1}});
  CHECK(same.rows().size() <= History::most);
}
