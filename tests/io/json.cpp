// SPDX-License-Identifier: MIT
#include <flipbook/io/json.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace flipbook;
using detail::JsonReader;
using detail::to_json;

namespace {
std::string string_of(std::string_view json) {
  JsonReader reader(json);
  std::string read = reader.string();
  reader.end();
  return read;
}
std::uint64_t number_of(std::string_view json) {
  JsonReader reader(json);
  const std::uint64_t read = reader.number();
  reader.end();
  return read;
}
}  // namespace

TEST_CASE("objects, arrays, strings and numbers are read in order, whatever space is between") {
  std::string seen;
  JsonReader json(" {\"a\" :\t[1 ,\n2,18446744073709551615] , \"b\":\"x\",\"c\":[],\"d\":{}}\r\n ");
  json.object([&](const std::string& key) {
    seen += key;
    if (key == "b") seen += json.string();
    else if (key == "d") json.object([](const std::string&) {});
    else json.array([&] { seen += std::to_string(json.number()) + ";"; });
  });
  json.end();
  CHECK(seen == "a1;2;18446744073709551615;bxcd");
}

TEST_CASE("any text survives being written and read") {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  for (const std::string& text : {std::string(), all, std::string("é ß 語 \xf0\x9f\x8e\x9e \"\\/")})
    CHECK(string_of(to_json(text)) == text);
}

TEST_CASE("escapes stand for their characters") {
  CHECK(string_of(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(string_of(R"("\u0041\u00e9\u8a9e\uD83c\udf9E")") == "Aé語\xf0\x9f\x8e\x9e");
}

TEST_CASE("strings that are none are refused") {
  for (const char* json : {"",
                           "\"",
                           "\"a",
                           "a",
                           "\"\\",
                           "\"\\\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\u+123\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\n\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xe0\x80\x80\"",
                           "\"\xf5\x80\x80\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xc3\"",
                           "\"\xe8\xaa\"",
                           "\"a\"b"}) {
    CAPTURE(json);
    CHECK_THROWS_AS(string_of(json), Error);
  }
  for (const char* text : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xc3"}) CHECK_THROWS_AS(to_json(text), Error);
}

TEST_CASE("numbers other than whole ones of 64 bits are refused") {
  CHECK(number_of("0") == 0);
  CHECK(number_of(" 120 ") == 120);
  for (const char* json : {"", "-1", "+1", "1.0", "1e3", "01", "0x1", "18446744073709551616", "null", "1 2"}) {
    CAPTURE(json);
    CHECK_THROWS_AS(number_of(json), Error);
  }
}

TEST_CASE("structure that does not hold is refused") {
  for (const char* text : {"", "{", "[1]", "{\"a\"}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":2}", "{a:1}",
                           "{\"a\":1}}", "{,}"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(
        [&] {
          JsonReader json(text);
          json.object([&](const std::string&) { json.number(); });
          json.end();
        }(),
        Error);
  }
}
