// SPDX-License-Identifier: MIT
#include <flipbook/train/interrupt.hpp>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

using flipbook::Interrupt;

namespace {

void handler_of_the_program(int) {}

// The signal that ends a process which runs `action`, or 0 if it ends by itself.
template <class Action>
int killed_by(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    ::signal(SIGHUP, SIG_DFL);
    action();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("a first signal is noted and kills nothing, a second one kills") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CHECK(killed_by([=] { ::raise(signal); }) == signal);
    CHECK(killed_by([=] {
            Interrupt interrupt;
            ::raise(signal);
          }) == 0);
    CHECK(killed_by([=] {
            Interrupt interrupt;
            ::raise(signal);
            ::raise(signal);
          }) == signal);
  }
  CHECK(killed_by([] {
          Interrupt interrupt;
          ::raise(SIGINT);
          ::raise(SIGTERM);
        }) == SIGTERM);
}

TEST_CASE("a request is seen until the last object is gone, and not by the next") {
  {
    Interrupt outer;
    CHECK(!outer.requested());
    {
      Interrupt inner;
      ::raise(SIGINT);
      CHECK(inner.requested());
    }
    CHECK(outer.requested());
  }
  Interrupt next;
  CHECK(!next.requested());
}

TEST_CASE("what the program did on the signal before is restored") {
  const auto before = ::signal(SIGINT, &handler_of_the_program);
  { Interrupt interrupt; }
  CHECK((::signal(SIGINT, before) == &handler_of_the_program));
}

TEST_CASE("objects of several threads may end in any order, and the last restores what the program did") {
  const auto before = ::signal(SIGINT, &handler_of_the_program);
  {
    auto first = std::make_unique<Interrupt>();
    const Interrupt second;
    first.reset();
    ::raise(SIGINT);
    CHECK(second.requested());
  }
  CHECK((::signal(SIGINT, before) == &handler_of_the_program));
}

TEST_CASE("any number of threads may make and end them at once") {
  const auto before = ::signal(SIGINT, &handler_of_the_program);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 2000; ++k) const Interrupt interrupt;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK((::signal(SIGINT, before) == &handler_of_the_program));
}

TEST_CASE("a signal that the process ignores stays ignored, as for a program started by nohup") {
  for (const int signal : {SIGINT, SIGHUP}) {
    CHECK(killed_by([=] {
            ::signal(signal, SIG_IGN);
            Interrupt interrupt;
            ::raise(signal);
            if (interrupt.requested()) ::raise(SIGKILL);
          }) == 0);
  }
}
