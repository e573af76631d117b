#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/catch.h"
#include "tests/cli/run_command.h"

// docs/methods.md against what `onnxray methods --json` says.

namespace onnxray::cli {
namespace {

using Json = nlohmann::json;

const std::string kPage = ONNXRAY_SOURCE_DIR "/docs/methods.md";
const std::string kBegin = "<!-- table: written by ONNXRAY_WRITE_DOCS=1 test_cli '[.write]' -->\n";
const std::string kEnd = "<!-- end of table -->\n";

Json listed() {
  const Outcome outcome = onnxray("methods --json");
  REQUIRE(outcome.exit_code == 0);
  return Json::parse(outcome.output);
}

std::string page() {
  std::ifstream file(kPage);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Markdown ends a cell at '|'.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '|' ? "\\|" : std::string(1, c);
  return result;
}

std::string table() {
  std::string text = "| method | formula | parameters and defaults | source |\n|---|---|---|---|\n";
  for (const Json& method : listed()) {
    std::vector<std::string> parameters;
    for (const Json& p : method["parameters"])
      parameters.push_back(
          fmt::format("`{}` {}", p["name"].get<std::string>(), p["default"].get<std::string>()));
    text += fmt::format("| `{}` | {} | {} | {} |\n", escaped(method["method"]), escaped(method["formula"]),
                        fmt::join(parameters, ", "), method["citation"].get<std::string>());
  }
  return text;
}

TEST_CASE("docs/methods.md holds the table of `onnxray methods --json`") {
  const std::string text = page();
  const size_t begin = text.find(kBegin), end = text.find(kEnd);
  REQUIRE((begin != std::string::npos && end != std::string::npos));
  const size_t first = begin + kBegin.size();
  CHECK(text.substr(first, end - first) == table());
}

TEST_CASE("the table of docs/methods.md is rewritten on demand", "[.write]") {
  if (!std::getenv("ONNXRAY_WRITE_DOCS")) return;
  const std::string text = page();
  const size_t first = text.find(kBegin) + kBegin.size(), end = text.find(kEnd);
  std::ofstream(kPage) << text.substr(0, first) << table() << text.substr(end);
}

/// "`steps`" as "steps".
std::string plain(std::string cell) {
  std::erase(cell, '`');
  const size_t first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
  return first == std::string::npos ? "" : cell.substr(first, last - first + 1);
}

TEST_CASE("the defaults in the text of docs/methods.md are those of the program") {
  std::map<std::string, std::set<std::string>> defaults;
  for (const Json& method : listed()) {
    for (const Json& p : method["parameters"]) defaults[p["name"]].insert(p["default"].get<std::string>());
  }
  std::istringstream lines(page());
  std::string line;
  bool in_parameters = false;
  int64_t checked = 0;
  while (std::getline(lines, line)) {
    if (!line.starts_with("|")) in_parameters = false;
    if (line.starts_with("| parameter | default |")) in_parameters = true;
    if (!in_parameters || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string name, value;
    std::getline(cells, name, '|');
    std::getline(cells, value, '|');
    INFO(line);
    CHECK(defaults[plain(name)].contains(plain(value)));
    ++checked;
  }
  CHECK(checked > 10);
}

TEST_CASE("every switch of the program is in docs/conventions.md") {
  std::ifstream file(ONNXRAY_SOURCE_DIR "/docs/conventions.md");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::set<std::string> not_switches{
      "mu",          "baseline",   "seed",   "noise_file",      "layer",
      "window",      "stride",     "rule",   "composite",       "input_layer_rule",
      "alpha",       "beta",       "gamma",  "epsilon",         "low",
      "high",        "activation", "resize", "until_layer_idx", "until_layer_rule",
      "micro_batch", "tokens"};
  for (const Json& method : listed()) {
    for (const Json& p : method["parameters"]) {
      const std::string name = p["name"];
      INFO(name);
      if (!not_switches.contains(name)) CHECK(text.find("`" + name + "`") != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace onnxray::cli
