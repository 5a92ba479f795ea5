// SPDX-License-Identifier: MIT
// The C++ in the documentation is the C++ that is compiled: above each block stands, in a comment, which file and
// which part of it, from `// [name]` to `// [/name]`, it shows.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

const std::filesystem::path root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// The lines between the marks, their common indentation taken away; where `name` is empty, all lines but the one that
/// names the licence.
std::string part(const std::filesystem::path& path, const std::string& name) {
  std::vector<std::string> chosen;
  bool inside = name.empty();
  for (const std::string& line : lines_of(path)) {
    if (line.ends_with("// [/" + name + "]")) inside = false;
    if (inside && !line.starts_with("// SPDX-License-Identifier: ")) chosen.push_back(line);
    if (line.ends_with("// [" + name + "]")) inside = true;
  }
  std::size_t indent = std::string::npos;
  for (const std::string& line : chosen)
    if (!line.empty()) indent = std::min(indent, line.find_first_not_of(' '));
  for (std::string& line : chosen) line = line.substr(std::min(indent, line.size()));
  return joined(chosen);
}

struct Block {
  std::string mark;  ///< the line before it
  std::string code;
};
std::vector<Block> blocks_of(const std::filesystem::path& document) {
  std::vector<Block> blocks;
  std::string before;
  bool inside = false;
  for (const std::string& line : lines_of(document)) {
    if (line == "```cpp") {
      blocks.push_back({before, ""});
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().code += line + "\n";
    }
    if (!line.empty()) before = line;
  }
  return blocks;
}

/// A document without its blocks of code.
std::string prose_of(const std::filesystem::path& document) {
  std::string prose;
  bool code = false;
  for (const std::string& line : lines_of(document)) {
    if (line.starts_with("```")) code = !code;
    else if (!code) prose += line + "\n";
  }
  return prose;
}

std::vector<std::filesystem::path> documents() {
  std::vector<std::filesystem::path> found{root / "README.md"};
  for (const auto& entry : std::filesystem::directory_iterator(root / "docs"))
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  return found;
}

}  // namespace

TEST_CASE("every block of C++ in the documentation is what is compiled") {
  for (const auto& document : documents()) {
    for (const auto& [mark, code] : blocks_of(document)) {
      INFO(document.string(), ": ", mark, "\n", code);
      REQUIRE(mark.starts_with("<!-- "));
      REQUIRE(mark.ends_with(" -->"));
      const std::string source = mark.substr(5, mark.size() - 9);
      const auto colon = source.find(": ");
      const auto path = root / source.substr(0, colon);
      REQUIRE(std::filesystem::exists(path));
      CHECK(part(path, colon == std::string::npos ? "" : source.substr(colon + 2)) == code);
    }
  }
}

TEST_CASE("what the documentation links to in this tree is there") {
  for (const auto& document : documents()) {
    const std::string text = prose_of(document);
    for (auto at = text.find("]("); at != std::string::npos; at = text.find("](", at + 2)) {
      std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
      target = target.substr(0, target.find('#'));
      if (target.empty() || target.starts_with("http") || target.ends_with(".gif")) continue;  // the demo makes these
      CAPTURE(document.string());
      CAPTURE(target);
      CHECK(std::filesystem::exists(document.parent_path() / target));
    }
  }
}
