// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "../io/files.hpp"
#include "family.hpp"

using namespace flipbook;
using namespace flipbook::test;

extern char** environ;

namespace {

constexpr const char *family_variable = "FLIPBOOK_TEST_FAMILY", *checkpoint_variable = "FLIPBOOK_TEST_CHECKPOINT";

/// How often a run of each family is killed. The long pass (scripts/fuzz --kill N) says it by this variable.
int kills() {
  const char* const given = std::getenv("FLIPBOOK_KILLS");
  return given != nullptr ? std::atoi(given) : 4;
}

/// This program again, which only trains and saves until it is killed.
pid_t start_victim() {
  const char* arguments[] = {"victim", "--test-case=a victim trains", "--no-skip", nullptr};
  pid_t id = 0;
  REQUIRE(::posix_spawn(&id, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments), environ) == 0);
  return id;
}

/// Waits until another file has taken the path `count` times, or for a minute; whether it has.
bool replaced(const std::filesystem::path& path, Index count) {
  const auto number = [&] {
    struct stat there {};
    return ::stat(path.c_str(), &there) == 0 ? std::pair(there.st_ino, there.st_mtim.tv_nsec) : std::pair(ino_t{}, 0L);
  };
  auto seen = number();
  for (int wait = 0; wait < 600'000 && count > 0; ++wait) {
    if (const auto now = number(); now != seen) seen = now, --count;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return count == 0;
}

bool same(Run& a, Run& b) { return a.state() == b.state() && a.history() == b.history(); }

/// While one exists, no file can be longer, as on a disk that is full.
struct FullDisk {
  rlimit before{};
  explicit FullDisk(std::uintmax_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit little{static_cast<rlim_t>(bytes), before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &little);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before); }
};

}  // namespace

TEST_CASE("a victim trains" * doctest::skip()) {
  const std::filesystem::path checkpoint = std::getenv(checkpoint_variable);
  const auto family = std::ranges::find(families(), std::string(std::getenv(family_variable)), &Family::name);
  const auto run = family->begin();
  if (std::filesystem::exists(checkpoint)) run->resume(checkpoint);
  run->fit(1'000'000, checkpoint);
}

void flipbook::test::check_killed(const Family& family) {
  const Folder folder;
  const auto checkpoint = folder / "run.safetensors";
  ::setenv(family_variable, family.name.c_str(), 1);
  ::setenv(checkpoint_variable, checkpoint.c_str(), 1);

  const auto whole = family.begin();
  Rng rng{7};
  Index steps = 0, advanced = 0;
  for (int round = 0; round < kills(); ++round) {
    CAPTURE(round);
    const pid_t victim = start_victim();
    // One in four is killed before it has saved anything, as likely as not: while it starts, or reads.
    const bool early = round % 4 == 3;
    if (!early) CHECK(replaced(checkpoint, 1 + rng.below(4)));
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(early ? 100'000 : 5'000)));
    ::kill(victim, SIGKILL);
    int status = 0;
    ::waitpid(victim, &status, 0);
    CHECK(WIFSIGNALED(status));

    if (!std::filesystem::exists(checkpoint)) continue;
    const auto killed = family.begin();
    killed->resume(checkpoint);
    REQUIRE(killed->steps() >= steps);
    advanced += killed->steps() > steps;
    steps = killed->steps();
    whole->fit(steps);
    REQUIRE(same(*killed, *whole));
  }
  CHECK(advanced >= kills() / 2);
  MESSAGE(family.name << ": killed " << kills() << " times, " << steps << " steps");
}

void flipbook::test::check_full_disk(const Family& family) {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  const auto run = family.begin();
  run->fit(2, path);
  const Bytes before = read_file(path);
  for (const std::size_t room : {std::size_t{0}, std::size_t{1}, before.size() / 2, before.size() - 1}) {
    CAPTURE(room);
    {
      std::optional<FullDisk> full;
      const auto fills = [&](Index) { return full.emplace(room), true; };
      CHECK_THROWS_WITH_AS(run->fit(run->steps() + 1, path, fills), doctest::Contains("cannot write"), Error);
      CHECK_THROWS_WITH_AS(run->fit(run->steps() + 1, path), doctest::Contains("cannot write"), Error);
    }
    CHECK(read_file(path) == before);
    CHECK(folder.entries() == 1);
  }
  const auto resumed = family.begin();
  resumed->resume(path);
  CHECK(resumed->steps() == 2);
  resumed->fit(run->steps(), path);
  CHECK(same(*resumed, *run));
}

void flipbook::test::check_truncated(const Family& family) {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  const auto run = family.begin(), other = family.begin();
  run->fit(2, path);
  const auto before = other->state();
  const std::uintmax_t size = std::filesystem::file_size(path);
  const std::uintmax_t step = std::getenv("FLIPBOOK_KILLS") != nullptr ? 1 : 1 + size / 150;
  for (std::uintmax_t length = size; length-- > 0;) {
    if (length % step != 0 && length + 3 < size) continue;
    std::filesystem::resize_file(path, length);
    CAPTURE(length);
    CHECK_THROWS_AS(other->resume(path), Error);
    REQUIRE(other->state() == before);
  }
}

TEST_CASE("the families are there") { CHECK(families().size() == 7); }
