// SPDX-License-Identifier: MIT
#include <flipbook/io/json.hpp>

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;
using flipbook::detail::JsonReader;

namespace {

void read_text(JsonReader& json) {
  const std::string text = json.string(), written = detail::to_json(text);
  must(JsonReader(written).string() == text, "a text that is written is read again");
}

// The first byte says what is expected.
void read(const Bytes& input) {
  if (input.empty()) return;
  JsonReader json({reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1});
  switch (input[0]) {
    case 's': read_text(json); break;
    case 'n': json.number(); break;
    case 'a': json.array([&] { json.array([&] { json.number(); }); }); break;
    default:
      json.object([&](const std::string& key) {
        key.size() % 2 == 0 ? read_text(json) : json.object([&](const auto&) { json.number(); });
      });
  }
  json.end();
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> all;
  for (const std::string text : {R"(s"a\u00e9\ud83d\ude00\n\"ü€😀")", "n18446744073709551615", "n 0 ", "a[[1,2],[],[3]]",
                                 R"(o{"ab":"text","a":{"b":1,"c":2}})", "o{}"}) {
    all.emplace_back(text.begin(), text.end());
  }
  return all;
}

const Registered target{{.name = "json", .read = read, .seeds = seeds, .longest = 512, .megabytes = 1}};

}  // namespace
