// SPDX-License-Identifier: MIT
#include <flipbook/train/interrupt.hpp>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

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
    action();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("a first signal is noted and kills nothing, a second one kills") {
  for (const int signal : {SIGINT, SIGTERM}) {
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
