// SPDX-License-Identifier: MIT
#include <flipbook/log/page.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

static_assert(LogSink<PageLog>);

namespace {

// A page of a run, and a clock to set.
struct Run {
  Folder folder;
  double time = 1.5e9;

  PageLog log(Index steps = 0, History before = {}) {
    return PageLog{folder / "run.html",
                   {.title = "a <b> & c", .steps = steps, .before = std::move(before), .now = [this] { return time; }}};
  }
  std::string page() const {
    const Bytes bytes = read_file(folder / "run.html");
    return {bytes.begin(), bytes.end()};
  }
  bool shows(const std::string& what) const { return page().find(what) != std::string::npos; }
};

const LoggedPicture dot{{1, 2, 3}, 1, 4, 5, 1};

}  // namespace

TEST_CASE("a page is there at once, and says what the run is called") {
  Run run;
  run.log();
  CHECK(run.shows("<title>a &lt;b&gt; &amp; c</title>"));
  CHECK(run.shows("data-written=\"1500000000.000\" data-done=\"\""));
  CHECK(!run.shows("<progress"));
}

TEST_CASE("it says how far, how fast and how long, and has a curve for each loss and the latest pictures") {
  Run run;
  PageLog log = run.log(100);
  for (Index step = 1; step <= 40; ++step) {
    run.time += 0.5;
    log.losses(step, {{"loss", 1.0 / static_cast<double>(step)}, {"k<l", step == 7 ? NAN : 2.5}});
  }
  log.picture(10, "some", dot);
  log.picture(20, "some", dot);
  log.flush();
  CHECK(run.shows("<title>40 % · a"));
  CHECK(run.shows("<progress value=\"0.4\">"));
  CHECK(run.shows("40 <small>of 100"));
  CHECK(run.shows("2 <small>steps/s"));
  CHECK(run.shows("<dd>0:30</dd>"));
  CHECK(run.shows("<b>loss</b><span>logarithmic</span><output>0.025</output>"));
  CHECK(run.shows("<b>k&lt;l</b><span></span><output>2.5</output>"));
  CHECK(run.shows("step 20</span>"));
  CHECK(!run.shows("step 10</span>"));
  CHECK(run.shows("<img alt=\"some\" width=\"5\" height=\"4\" src=\"data:image/png;base64,AQID\">"));
  CHECK(run.page().find("<path class=\"line c0\" d=\"M") < run.page().find("<path class=\"line c1\" d=\"M"));
}

TEST_CASE("it is written every few seconds, and names nothing outside of itself") {
  Run run;
  PageLog log = run.log();
  for (Index step = 1; step <= 9; ++step) log.losses(step, {{"loss", 1}});
  CHECK(run.shows("<dd>0</dd>"));
  run.time += 5;
  log.losses(10, {{"loss", 1}});
  CHECK(run.shows("<dd>10</dd>"));
  CHECK(run.folder.entries() == 1);
  CHECK(!run.shows("http://"));
  CHECK(!run.shows("https://"));
}

TEST_CASE("a browser opens it anew until the last step") {
  Run run;
  PageLog log = run.log(2);
  log.losses(1, {{"loss", 1}});
  log.flush();
  CHECK(run.shows("http-equiv=\"refresh\" content=\"10\""));
  log.losses(2, {{"loss", 1}});
  log.flush();
  CHECK(!run.shows("http-equiv=\"refresh\""));
  CHECK(run.shows("data-done=\"yes\""));
}

TEST_CASE("a run that goes on shows what was before") {
  Run run;
  History before;
  before.add(1, {{"loss", 8}});
  before.add(2, {{"loss", 4}});
  PageLog log = run.log(4, before);
  CHECK(run.shows("2 <small>of 4"));
  CHECK(run.shows("<output>4</output>"));
}

TEST_CASE("a file that cannot be written is refused by its name") {
  Folder folder;
  const auto nowhere = folder / "none" / "run.html";
  mentions(error_of([&] { PageLog{nowhere}; }), nowhere.string());
}
