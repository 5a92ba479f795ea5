// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

/// One side of a comparison of layers that are given while the program runs; pytorch.py is the same in Python.

namespace layers {

using Index = std::int64_t;
using Axes = std::vector<Index>;

/// A layer as draw.py writes it: its kind, then KEY=NUMBER,NUMBER… for each of its settings.
class Spec {
 public:
  explicit Spec(const std::string& line) {
    std::istringstream words(line);
    words >> kind;
    for (std::string word; words >> word;) {
      std::istringstream numbers(word.substr(word.find('=') + 1));
      for (std::string number; std::getline(numbers, number, ',');) {
        settings_[word.substr(0, word.find('='))].push_back(std::stoll(number));
      }
    }
  }
  Index operator()(const std::string& key) const { return settings_.at(key).at(0); }
  /// One number for each axis of the data.
  const Axes& axes(const std::string& key) const { return settings_.at(key); }
  std::pair<Index, Index> channels() const { return {settings_.at("c").at(0), settings_.at("c").at(1)}; }

  std::string kind;

 private:
  std::map<std::string, Axes> settings_;
};

/// Number i of a stream, of [-1, 1), the same in C++ and Python: a hash, cut to what a float holds.
inline float number(std::uint32_t i, std::uint32_t stream) {
  std::uint32_t h = i * 0x9E3779B1U + stream * 0x85EBCA6BU;
  h = (h ^ (h >> 16)) * 0x7FEB352DU;
  h = (h ^ (h >> 15)) * 0x846CA68BU;
  return static_cast<float>((h ^ (h >> 16)) >> 8) * 0x1p-23F - 1;
}

/// The streams of what a layer reads, and of what its results are projected on.
enum Stream : std::uint32_t { input = 1, weights = 2, values = 3, output_gradient = 4, projection = 5 };

inline void draw(float* to, Index size, Stream stream) {
  for (Index i = 0; i < size; ++i) to[i] = number(static_cast<std::uint32_t>(i), stream);
}

/// The root of the mean square, then the sums over 64 pieces of the numbers times those of a stream: any number that
/// is wrong, or in another's place, changes one of them.
inline std::vector<double> fingerprint(const std::vector<float>& numbers) {
  const auto size = static_cast<Index>(numbers.size()), pieces = std::min<Index>(size, 64);
  std::vector<double> sums{0};
  for (Index piece = 0; piece < pieces; ++piece) {
    double sum = 0;
    for (Index i = size * piece / pieces; i < size * (piece + 1) / pieces; ++i) {
      const double x = numbers[static_cast<std::size_t>(i)];
      sums[0] += x * x;
      sum += x * static_cast<double>(number(static_cast<std::uint32_t>(i), projection));
    }
    sums.push_back(sum);
  }
  sums[0] = std::sqrt(sums[0] / static_cast<double>(std::max<Index>(size, 1)));
  return sums;
}

/// One way to compute one direction of a layer.
struct Way {
  std::string direction, name;
  std::function<void()> call;
  std::function<std::vector<float>()> result;  ///< of a call, in the order of flipbook's tensors
};

/// Milliseconds that pass; on one thread those of processor time, of which other programs take nothing.
inline double now(int threads) {
  if (threads == 1) return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The least milliseconds of the calls that fit into so many, at least one, after one that does not count: a training
/// loop is warm, and whatever else the machine does only adds to a time.
inline double block(const std::function<void()>& call, double budget, int threads) {
  const auto milliseconds = [&] {
    const double start = now(threads);
    call();
    return now(threads) - start;
  };
  milliseconds();
  double least = milliseconds();
  for (double spent = least; spent < budget;) {
    const double time = milliseconds();
    spent += time, least = std::min(least, time);
  }
  return least;
}

/// Answers each line of the input by one line:
///
///     layer SPEC         the ways that there are, DIRECTION:NAME, tabs between
///     time WAY BUDGET    milliseconds of a call of the way of this number, in a block of so many milliseconds
///     values WAY         the fingerprint of its result
///
/// or `error` and what went wrong.
template <class Prepare>
int serve(int threads, const Prepare& prepare) {
  std::vector<Way> ways;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    std::ostringstream answer;
    answer.precision(9);
    try {
      std::size_t way = 0;
      double budget = 0;
      if (command == "layer") {
        ways.clear();  // before the next layer takes memory
        ways = prepare(Spec(line.substr(command.size() + 1)));
        for (const Way& each : ways) answer << (&each == ways.data() ? "" : "\t") << each.direction << ':' << each.name;
      } else if (command == "time") {
        words >> way >> budget;
        answer << block(ways.at(way).call, budget, threads);
      } else {
        words >> way;
        ways.at(way).call();
        for (const double sum : fingerprint(ways.at(way).result())) answer << sum << ' ';
      }
    } catch (const std::exception& error) {
      answer.str({});
      answer << "error " << error.what();
    }
    std::cout << answer.str() << std::endl;
  }
  return 0;
}

}  // namespace layers
