// SPDX-License-Identifier: MIT
#include <flipbook/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// A file with that header and so many bytes of data.
std::filesystem::path with_header(const Folder& folder, const std::string& header, std::size_t data = 0) {
  Bytes bytes(8);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + data);
  return with_bytes(folder / "x.safetensors", bytes);
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string refusal(const std::string& header, std::size_t data = 0) {
  Folder folder;
  const auto path = with_header(folder, header, data);
  const std::string message = error_of([&] { read_safetensors(path); });
  mentions(message, path.string());
  return message;
}

const auto read_weights = [](const std::filesystem::path& path) { return read_safetensors(path); };

std::filesystem::path small_file(const Folder& folder) {
  const auto path = folder / "small.safetensors";
  write_safetensors(path,
                    {{"a", Tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})}, {"b", Tensor<std::uint8_t>({3}, {7, 8, 9})}},
                    {{"k", "v"}});
  return path;
}

// What the independent reader prints, or nothing where there is no Python with numpy.
std::string python(const std::string& verb, const std::filesystem::path& file) {
  const auto script = std::filesystem::path(__FILE__).parent_path() / "check_safetensors.py";
  const std::string out = file.string() + ".out";
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    MESSAGE("skipped: no python3 with numpy");
    return "";
  }
  const std::string command =
      "/usr/bin/python3 '" + script.string() + "' " + verb + " '" + file.string() + "' > '" + out + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  const Bytes bytes = read_file(out);
  return "\n" + std::string(bytes.begin(), bytes.end());
}

}  // namespace

TEST_CASE_TEMPLATE("what is written is read back bit for bit", T, float, double, bfloat16) {
  Folder folder;
  const auto path = folder / "x.safetensors";
  const auto value = [](float x) { return static_cast<T>(x); };
  const Tensor<T> a({1, 2, 1, 2, 1, 1},
                    {value(1.5F), value(-0.0F), value(std::numeric_limits<float>::quiet_NaN()), value(3e38F)});
  const Tensor<T> number(Shape{}, {value(2.0F)}), none({3, 0});
  const Tensor<std::int64_t> steps({1}, {std::numeric_limits<std::int64_t>::min()});
  const Tensor<std::int32_t> tokens({2}, {-1, 70000});
  const Tensor<std::uint8_t> odd({5}, {0, 1, 2, 254, 255});
  write_safetensors(
      path, {{"odd", odd}, {"a.b", a}, {"number", number}, {"none", none}, {"steps", steps}, {"tokens", tokens}},
      {{"step", "12"}, {"é\n\"", ""}});

  const SafetensorsFile file = read_safetensors(path);
  CHECK(file.tensors.size() == 6);
  CHECK(file.metadata == std::map<std::string, std::string>{{"step", "12"}, {"é\n\"", ""}});
  const auto same = [](const auto& x, const auto& y) {
    return x.shape() == y.shape() && std::ranges::equal(as_bytes(x), as_bytes(y));
  };
  CHECK(same(file.get<T>("a.b"), a));
  CHECK(same(file.get<T>("number"), number));
  CHECK(same(file.get<T>("none"), none));
  CHECK(same(file.get<std::int64_t>("steps"), steps));
  CHECK(same(file.get<std::int32_t>("tokens"), tokens));
  CHECK(same(file.get<std::uint8_t>("odd"), odd));
  CHECK(folder.entries() == 1);
}

TEST_CASE("no tensors at all make a valid file") {
  Folder folder;
  write_safetensors(folder / "x", {});
  CHECK(read_safetensors(folder / "x").tensors.empty());
}

TEST_CASE("reals convert into each other, whole numbers only into types that hold them all") {
  Folder folder;
  const auto path = folder / "x";
  write_safetensors(path, {{"f64", Tensor<double>({2}, {0.1, -3.0})},
                           {"u8", Tensor<std::uint8_t>({1}, {200})},
                           {"bf16", Tensor<bfloat16>({1}, {bfloat16(1.5F)})},
                           {"i64", Tensor<std::int64_t>({1}, {5})}});
  const auto file = read_safetensors(path);
  CHECK(to_vector(file.get<float>("f64")) == std::vector<float>{0.1F, -3.0F});
  CHECK(file.get<double>("bf16").item() == 1.5);
  CHECK(static_cast<float>(file.get<bfloat16>("f64").begin()[0]) == doctest::Approx(0.1).epsilon(0.004));
  CHECK(file.get<std::int32_t>("u8").item() == 200);
  mentions(error_of([&] { file.get<float>("u8"); }), "'u8'");
  CHECK_THROWS_AS(file.get<std::int32_t>("i64"), Error);
  CHECK_THROWS_AS(file.get<std::int64_t>("f64"), Error);
  const auto missing = error_of([&] { file.get<float>("g"); });
  mentions(missing, "'g'");
  mentions(missing, path.string());
}

TEST_CASE("an independent reader finds the same tensors") {
  Folder folder;
  const auto path = folder / "x.safetensors";
  write_safetensors(path,
                    {{"u", Tensor<std::uint8_t>({5}, {1, 2, 3, 4, 5})},
                     {"w", Tensor<float>({2, 3}, {0.5F, 1, -1, 2, 3, 4})},
                     {"d", Tensor<double>({1, 1}, {0.25})},
                     {"h", Tensor<bfloat16>({2}, {bfloat16(1.5F), bfloat16(-2.0F)})},
                     {"i", Tensor<std::int64_t>({2}, {-1, 4})}},
                    {{"step", "3"}});
  const std::string printed = python("read", path);
  if (printed.empty()) return;
  CHECK(printed ==
        "\nmetadata step 3\nd F64 (1,1) 0.250000\nh BF16 (2) -2.500000\ni I64 (2) 7.000000\n"
        "u U8 (5) 55.000000\nw F32 (2,3) 46.500000\n");
}

TEST_CASE("a file of an independent writer is read, though its numbers are not aligned") {
  Folder folder;
  const auto path = folder / "x.safetensors";
  if (python("write", path).empty()) return;
  const auto file = read_safetensors(path);
  CHECK(file.metadata.at("format") == "pt");
  CHECK(to_vector(file.get<double>("layer.weight")) == std::vector<double>{0, 0.25, 0.5, 0.75, 1, 1.25});
  CHECK(file.get<float>("layer.weight").shape() == Shape{2, 3});
  CHECK(to_vector(file.get<float>("layer.half")) == std::vector<float>{1.5F, -2.0F, 0x1p-24F, 65504.0F});
  CHECK(file.get<std::int64_t>("steps").item() == 7);
  CHECK(to_vector(file.get<std::uint8_t>("mask")) == std::vector<std::uint8_t>{1, 0, 1});
}

TEST_CASE("the header is padded with spaces to a multiple of eight bytes, the widest type first") {
  Folder folder;
  const Bytes bytes = read_file(small_file(folder));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(bytes[8] == '{');
  CHECK((bytes[8 + length - 1] == '}' || bytes[8 + length - 1] == ' '));
  CHECK(read_safetensors(folder / "small.safetensors").tensors.at("a").bytes().size() == 24);
  CHECK(bytes.back() == 9);
}

TEST_CASE("names that a file cannot hold are refused before anything is written") {
  Folder folder;
  const Tensor<float> x({1}, {1});
  CHECK_THROWS_AS(write_safetensors(folder / "x", {{"a", x}, {"a", x}}), Error);
  CHECK_THROWS_AS(write_safetensors(folder / "x", {{"__metadata__", x}}), Error);
  CHECK_THROWS_AS(write_safetensors(folder / "x", {{"\xff", x}}), Error);
  CHECK_THROWS_AS(write_safetensors(folder / "none/x", {{"a", x}}), Error);
  CHECK(folder.entries() == 0);
}

TEST_CASE("every shortened or lengthened file is refused") {
  Folder folder;
  const auto path = small_file(folder);
  check_prefixes_refused(path, read_weights);
  Bytes longer = read_file(path);
  longer.push_back(0);
  mentions(error_of([&] { read_safetensors(with_bytes(folder / "long", longer)); }), "end at byte");
  check_no_file_refused(read_weights);
}

TEST_CASE("a damaged file is refused or read, and does no harm") {
  Folder folder;
  check_survives_damage(small_file(folder), read_weights, 2000);
}

TEST_CASE("headers that lie are refused, and the message says how") {
  Folder folder;
  for (const std::uint64_t length :
       {~std::uint64_t{0}, std::uint64_t{1} << 62, std::uint64_t{100'000'001}, std::uint64_t{3}}) {
    Bytes bytes(10, '{');
    std::memcpy(bytes.data(), &length, 8);
    mentions(error_of([&] { read_safetensors(with_bytes(folder / "x", bytes)); }),
             length == 3 ? "length of its header" : "at most 100000000");
  }
  const auto tensor = [](const std::string& inside) { return R"({"a":)" + inside + "}"; };
  mentions(refusal(""), "begin with '{'");
  mentions(refusal("[]"), "begin with '{'");
  mentions(refusal(" {}"), "begin with '{'");
  mentions(refusal("{"), "at byte 1");
  mentions(refusal("{}x"), "follows the end");
  mentions(refusal(tensor("1")), "no '{'");
  mentions(refusal(tensor(R"({"dtype":"F32","shape":[]})")), "needs dtype");
  mentions(refusal(tensor(R"({"dtype":"F32","shape":[],"data_offsets":[0,4],"more":1})"), 4), "'more'");
  mentions(refusal(tensor(entry("F32", "[2]", "[0,4]")), 4), "takes 8 bytes, not 4");
  mentions(refusal(tensor(entry("F32", "[-1]", "[0,4]")), 4), "no whole number");
  mentions(refusal(tensor(entry("F32", "[1.0]", "[0,4]")), 4), "no ']'");
  mentions(refusal(tensor(entry("F32", "{}", "[0,4]")), 4), "no '['");
  mentions(refusal(tensor(entry("F32", "[1]", "[4,0]")), 4), "lies at");
  mentions(refusal(tensor(entry("F32", "[1]", "[0,8]")), 4), "lies at");
  mentions(refusal(tensor(entry("F32", "[1]", "[0]")), 4), "data_offsets");
  mentions(refusal(tensor(entry("F32", "[1]", "[4,8]")), 8), "gap");
  mentions(refusal(R"({"a":)" + entry("F32", "[2]", "[0,8]") + R"(,"b":)" + entry("F32", "[1]", "[4,8]") + "}", 8),
           "overlap");
  mentions(refusal(R"({"a":)" + entry("F32", "[1]", "[0,4]") + R"(,"a":)" + entry("F32", "[1]", "[0,4]") + "}", 4),
           "twice");
  mentions(refusal(R"({"__metadata__":{"a":1}})"), "no '\"'");
  mentions(refusal(R"({"__metadata__":[]})"), "no '{'");
  mentions(refusal(R"({"a":)" + std::string(1000000, '[')), "no '{'");
}

TEST_CASE("a shape whose size overflows is refused, even where the overflow would come out right") {
  mentions(refusal(R"({"a":)" + entry("F32", "[4294967296,4294967296]", "[0,0]") + "}"), "multiply to more");
  mentions(refusal(R"({"a":)" + entry("U8", "[18446744073709551615]", "[0,4]") + "}", 4), "multiply to more");
  mentions(refusal(R"({"a":)" + entry("U8", "[18446744073709551616]", "[0,4]") + "}", 4), "no whole number of 64 bits");
  mentions(refusal(R"({"a":)" + entry("F64", "[2305843009213693952]", "[0,0]") + "}"), "multiply to more");
}

TEST_CASE("a tensor of a type or rank that is not read is an error for who asks for it, and for nobody else") {
  Folder folder;
  const std::string header = R"({"a":)" + entry("U8", "[2]", "[0,2]") + R"(,"b":)" + entry("F8_E4M3", "[2]", "[2,4]") +
                             R"(,"c":)" + entry("U8", "[1,1,1,1,1,1,1]", "[4,5]") + "}";
  const auto path = with_header(folder, header, 5);
  const SafetensorsFile file = read_safetensors(path);
  CHECK(file.get<std::uint8_t>("a").size() == 2);
  mentions(error_of([&] { file.get<float>("b"); }), "its dtype, F8_E4M3, is unknown");
  mentions(error_of([&] { file.get<float>("c"); }), "rank 7");
  mentions(error_of([&] { file.get<float>("d"); }), "no tensor 'd'");
}
