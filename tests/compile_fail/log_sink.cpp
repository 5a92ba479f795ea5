// SPDX-License-Identifier: MIT
// What is logged to has losses, picture and flush.
// WITHIN: 30, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: LogSink
// EXPECT Clang: sink.picture
#include <flipbook/log/log.hpp>

struct Sink {
  void losses(flipbook::Index, const flipbook::Losses&) {}
#ifdef CONTROL
  void picture(flipbook::Index, const std::string&, const flipbook::LoggedPicture&) {}
#endif
  void flush() {}
};
const flipbook::Log run{Sink{}};
