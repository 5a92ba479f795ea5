// SPDX-License-Identifier: MIT
#include <flipbook/io/npy.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

Bytes npy_bytes(const std::string& header, std::size_t data, std::uint8_t version = 1) {
  Bytes bytes{0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  for (int shift = 0; shift < (version == 1 ? 16 : 32); shift += 8)
    bytes.push_back(static_cast<std::uint8_t>(header.size() >> shift));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}
std::string dictionary(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}
std::string refusal(const Bytes& bytes) {
  Folder folder;
  const auto path = with_bytes(folder / "x.npy", bytes);
  const std::string message = error_of([&] { read_npy<std::uint8_t>(path); });
  mentions(message, path.string());
  return message;
}

const auto read_clip = [](const std::filesystem::path& path) { return read_npy_video(path); };

}  // namespace

TEST_CASE_TEMPLATE("what is written is read back bit for bit", T, float, double, std::uint8_t, std::int32_t,
                   std::int64_t) {
  Folder folder;
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{7}, Shape{2, 3}, Shape{1, 2, 3, 1, 2, 2}}) {
    Tensor<T> x(shape);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<T>(i * 11);
    write_npy(folder / "x.npy", x);
    const auto y = read_npy<T>(folder / "x.npy");
    CHECK(y.shape() == shape);
    CHECK(to_vector(y) == to_vector(x));
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("NumPy reads what is written, and what NumPy writes is read") {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    MESSAGE("skipped: no python3 with numpy");
    return;
  }
  Folder folder;
  const auto in = (folder / "in.npy").string(), out = (folder / "out.npy").string();
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3, 5}}) {
    Tensor<float> x(shape);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i) / 4;
    write_npy(in, x);
    const std::string program = "import numpy; x = numpy.load('" + in + "'); assert x.dtype == 'f4'; numpy.save('" +
                                out + "', x.astype('f8') * 2)";
    REQUIRE(std::system(("/usr/bin/python3 -c \"" + program + "\"").c_str()) == 0);
    const auto y = read_npy<double>(out);
    CHECK(y.shape() == shape);
    for (Index i = 0; i < x.size(); ++i) CHECK(y.data()[i] == static_cast<double>(i) / 2);
  }
}

TEST_CASE("headers that other writers make are read") {
  Folder folder;
  const auto read = [&](const std::string& header, std::size_t data, std::uint8_t version = 1) {
    return read_npy<std::uint8_t>(with_bytes(folder / "x", npy_bytes(header, data, version)));
  };
  CHECK(read("{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"|u1\"}", 6).shape() == Shape{2, 3});
  CHECK(read(dictionary("|u1", "(2, 3)"), 6, 2).shape() == Shape{2, 3});
  CHECK(read(dictionary("|u1", "(2, 3,)"), 6, 3).shape() == Shape{2, 3});
  CHECK(read(dictionary("|u1", "(5,)", "True"), 5).shape() == Shape{5});  // one axis has only one order
  CHECK(read(dictionary("|b1", "()"), 1).shape() == Shape{});
}

TEST_CASE("a video of any layout comes as (N, T, H, W, C)") {
  Folder folder;
  const auto path = folder / "x.npy";
  Tensor<std::uint8_t> pixels({2, 3, 1, 2});
  for (Index i = 0; i < 12; ++i) pixels.data()[i] = static_cast<std::uint8_t>(20 * i);
  write_npy(path, pixels);
  const auto clips = read_npy_video(path);
  CHECK(clips.shape() == Shape{2, 3, 1, 2, 1});
  CHECK(to_vector(clips) == to_vector(to_unit(pixels)));
  CHECK(clips.data()[11] == 220.0F / 255);

  const auto moving = read_npy_video(path, NpyLayout::frames_first);  // (T, N, …) in the file
  CHECK(moving.shape() == Shape{3, 2, 1, 2, 1});
  for (Index n = 0; n < 3; ++n)
    for (Index t = 0; t < 2; ++t) CHECK(to_vector(moving[n][t]) == to_vector(clips[t][n]));

  write_npy(path, pixels.reshape({3, 2, 2}));
  CHECK(read_npy_video(path).shape() == Shape{1, 3, 2, 2, 1});
  write_npy(path, pixels.reshape({1, 2, 1, 2, 3}));
  CHECK(read_npy_video(path).shape() == Shape{1, 2, 1, 2, 3});
  CHECK(read_npy_video(path, NpyLayout::frames_first).shape() == Shape{2, 1, 1, 2, 3});
  write_npy(path, pixels.reshape({12}));
  mentions(error_of([&] { read_npy_video(path); }), "(12)");
}

TEST_CASE("an array of no elements is read at once, whatever its other extents") {
  Folder folder;
  const auto path = with_bytes(folder / "x.npy", npy_bytes(dictionary("|u1", "(20, 10000000000000000, 0, 1)"), 0));
  CHECK(read_npy_video(path, NpyLayout::frames_first).shape() == Shape{10000000000000000, 20, 0, 1, 1});
}

TEST_CASE_TEMPLATE("a video of real numbers must lie in [0, 1], and the first that does not is named", T, float,
                   double) {
  Folder folder;
  const auto path = folder / "x.npy";
  Tensor<T> x({2, 1, 2}, {0, 0.25, 1, 0.5});
  write_npy(path, x);
  CHECK(to_vector(read_npy_video(path)) == std::vector<float>{0, 0.25F, 1, 0.5F});
  for (const T bad :
       {T(-0.01), T(1.01), T(255), std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
    x.data()[3] = bad;
    write_npy(path, x);
    const auto message = error_of([&] { read_npy_video(path); });
    mentions(message, "(1, 0, 1)");
    mentions(message, path.string());
  }
}

TEST_CASE("every shortened or lengthened file is refused") {
  Folder folder;
  const auto path = folder / "x.npy";
  write_npy(path, Tensor<std::uint8_t>({2, 3, 4}));
  check_prefixes_refused(path, read_clip);
  check_no_file_refused(read_clip);
  Bytes longer = read_file(path);
  longer.push_back(0);
  mentions(refusal(longer), "takes 24 bytes, and 25 follow");
}

TEST_CASE("a damaged file is refused or read, and does no harm") {
  Folder folder;
  write_npy(folder / "x.npy", Tensor<std::uint8_t>({2, 3, 4}, Bytes(24)));
  check_survives_damage(folder / "x.npy", read_clip, 2000);
}

TEST_CASE("headers that lie are refused, and the message says how") {
  mentions(refusal(npy_bytes(dictionary("|u1", "(4294967296, 4294967296)"), 4)), "multiply to more");
  mentions(refusal(npy_bytes(dictionary("|u1", "(20, 0, 1099511627776, 1099511627776)"), 0)), "multiply to more");
  mentions(refusal(npy_bytes(dictionary("|u1", "(99999999999999999999,)"), 4)), "not a number");
  mentions(refusal(npy_bytes(dictionary("|u1", "(-1,)"), 4)), "not a number");
  mentions(refusal(npy_bytes(dictionary("|u1", "(4)"), 4)), "not a tuple");
  mentions(refusal(npy_bytes(dictionary("|u1", "(4"), 4)), "not a number");
  mentions(refusal(npy_bytes(dictionary("|u1", "(1,1,1,1,1,1,1)"), 1)), "rank 7");
  mentions(refusal(npy_bytes(dictionary(">f4", "(1,)"), 4)), ">f4");
  mentions(refusal(npy_bytes(dictionary("|O", "(1,)"), 4)), "|O");
  mentions(refusal(npy_bytes(dictionary("|u1", "(2, 2)", "True"), 4)), "Fortran");
  mentions(refusal(npy_bytes(dictionary("|u1", "(4,)", "0"), 4)), "lacks");
  mentions(refusal(npy_bytes("{'descr': '|u1', 'descr': '|u1'}", 4)), "twice");
  mentions(refusal(npy_bytes("{'descr': '|u1'}", 4)), "lacks one of");
  mentions(refusal(npy_bytes("{'other': 3}", 4)), "'other'");
  mentions(refusal(npy_bytes("{'descr", 0)), "within a string");
  mentions(refusal(npy_bytes(dictionary("|u1", "(4,)") + "x", 4)), "after its end");
  mentions(refusal(npy_bytes(dictionary("|u1", "(4,)"), 4, 4)), "version");
  Bytes huge = npy_bytes("{}", 0, 2);
  huge[10] = huge[11] = 0xff;
  mentions(refusal(huge), "bytes for a header of");
  mentions(refusal(npy_bytes(dictionary("<f4", "(1,)"), 4)), "do not convert");
}
