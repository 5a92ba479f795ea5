// SPDX-License-Identifier: MIT
#include "../../examples/support/options.hpp"

#include <cmath>

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::examples;
using namespace flipbook::fuzz;

namespace {

// Arguments, each of which ends in a line's end.
void read(const Bytes& input) {
  std::vector<std::string> given{"program"};
  for (auto begin = input.begin(); begin != input.end();) {
    const auto end = std::find(begin, input.end(), '\n');
    given.emplace_back(begin, end);
    begin = end == input.end() ? end : end + 1;
  }
  std::vector<const char*> arguments;
  for (const std::string& argument : given) arguments.push_back(argument.c_str());

  CommandLine line{"A program."};
  TrainingOptions options;
  double rate = 1, share = 0.5;
  std::string kind = "a";
  options.add_to(line);
  line.positive("--rate", rate, "A number.");
  line.number("--share", share, "A number.", 0, 1);
  line.choice("--kind", kind, {"a", "b"}, "A word.");
  bool ran = false;
  const int code = line.run(static_cast<int>(arguments.size()), arguments.data(), [&](auto) { ran = true; });
  must(code == 0 || (code == 2 && !ran), "a program runs, or ends with code 2");
  must(!ran || (options.steps >= 1 && options.batch >= 1 && options.batch <= 65536 && rate > 0 && std::isfinite(rate) &&
                share >= 0 && share <= 1 && (kind == "a" || kind == "b")),
       "options are within their bounds");
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> all;
  for (const std::string text : {"--steps\n5\n--batch=3\n--seed\n18446744073709551615\n--resume\n", "--help\n",
                                 "--data\nmaze\n--rate\n1e-3\n--share=0.25\n--kind\nb\n", "--device\ncuda:0\n",
                                 "--threads\n2\n--out\nfolder\n--device=cpu\n", "--rate\nnan\n--", "stray\n"}) {
    all.emplace_back(text.begin(), text.end());
  }
  return all;
}

const Registered target{
    {.name = "options", .read = read, .seeds = seeds, .longest = 512, .megabytes = 1, .prints = true}};

}  // namespace
