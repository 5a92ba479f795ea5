#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include <flipbook/core/parallel.hpp>

#include "data.hpp"

namespace flipbook::examples {

/// What every training program can be told; its values before `add_to` are the defaults.
struct TrainingOptions {
  std::filesystem::path data = {};
  std::filesystem::path out = "out";
  Index steps = 1000;
  Index batch = 16;
  std::uint64_t seed = 1;
  int threads = 0;
  bool resume = false;

  void add_to(CLI::App& app) {
    const auto within = [](auto least, auto most) { return CLI::Range(least, most).description(""); };
    const CLI::Validator whole{[](const std::string& given) {
      const bool digits = given.find_first_not_of("0123456789") == std::string::npos;
      return digits ? std::string() : "Value " + given + " is not a whole number from 0 up";
    }, ""};
    app.add_option("--data", data,
                   "Learn from this: an IDX file or a folder of images, a .npy file of videos"
#if FLIPBOOK_VIDEO
                   ", a video file or a folder of them"
#endif
                   " (default: Fashion-MNIST, moving, where it is installed; moving shapes otherwise)")
        ->type_name("PATH")->check(CLI::ExistingPath.description(""));
    app.add_option("--out", out, "The folder for what is written")->type_name("FOLDER")->capture_default_str();
    app.add_option("--steps", steps, "How many steps to train")
        ->type_name("N")->check(within(Index{1}, Index{1'000'000'000}))->capture_default_str();
    app.add_option("--batch", batch, "Clips in a step")
        ->type_name("N")->check(within(Index{1}, Index{65536}))->capture_default_str();
    app.add_option("--seed", seed, "Selects the random numbers: the same seed gives the same run")
        ->type_name("N")->check(whole)->capture_default_str();
    app.add_option("--threads", threads, "Threads to compute with (default: one for each core)")
        ->type_name("N")->check(within(1, 4096));
    app.add_flag("--resume", resume, "Go on from the checkpoint in --out");
  }

  /// The data, in a model's format.
  Data open(const ClipFormat& format) const { return open_data(data, format, seed); }
};

/// Runs a program: reads its command line, then calls `body`.
/// @return the program's exit code: 0; 2 where an option, a file or the data is at fault, after one line that says
///         what; 1 for anything else
template <class Body>
int run(CLI::App& app, int argc, const char* const* argv, const Body& body) {
  const auto complain = [&](std::string what, int code) {
    std::replace(what.begin(), what.end(), '\n', ' ');
    std::fprintf(stderr, "%s: %s\n", std::filesystem::path(argv[0]).filename().c_str(), what.c_str());
    return code;
  };
  try {
    app.parse(argc, argv);
    if (const auto* threads = app.get_option_no_throw("--threads"); threads != nullptr && threads->count() > 0)
      set_threads(threads->as<int>());
    body();
    return 0;
  } catch (const CLI::Success& asked) {  // --help
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return complain(error.what() + std::string(" (--help says what can be given)"), 2);
  } catch (const Error& error) {
    return complain(error.what(), 2);
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}

}  // namespace flipbook::examples
