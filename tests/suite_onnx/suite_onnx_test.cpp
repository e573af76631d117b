#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "core/fail.h"
#include "tests/catch.h"
#include "tests/suite_onnx/status_list.h"
#include "tests/suite_onnx/suite_case.h"

namespace onnxray::suite {

namespace {

const std::filesystem::path kStatusFile =
    std::filesystem::path(ONNXRAY_SOURCE_DIR) / "tests" / "suite_onnx" / "status.txt";

/// How a run went: counts by kind and by reason, and what is not as listed.
struct Tally {
  std::map<std::string, std::pair<int, int>> passed_of_kind;  ///< passed, all
  std::map<std::string, int> skipped_for;
  std::vector<std::string> surprises;

  void count(const SuiteCase& test, bool passed, const std::string& reason) {
    auto& [passes, all] = passed_of_kind[test.name.substr(0, test.name.find('/'))];
    ++all;
    if (passed)
      ++passes;
    else
      ++skipped_for[reason];
  }

  std::string text() const {
    std::string text;
    for (const auto& [kind, counts] : passed_of_kind) {
      text += fmt::format("  {}: {} of {} pass\n", kind, counts.first, counts.second);
    }
    for (const auto& [reason, count] : skipped_for)
      text += fmt::format("  {:4} skipped: {}\n", count, reason);
    return text;
  }
};

/// Compares what a case did with what the list says. The ratchet only turns upwards: a skip that passes is an
/// error too, until the list says 'pass'.
void check(Tally& tally, const StatusList& list, const SuiteCase& test,
           const std::optional<std::string>& trouble, bool in_double) {
  if (!list.has(test.name)) {
    tally.surprises.push_back(fmt::format("{} is not listed in {}", test.name, kStatusFile.string()));
    return;
  }
  if (in_double && list.float32_only(test.name))
    return tally.count(test, !trouble, "holds float32's rounding");
  const auto& skip_reason = list.skip_reason(test.name);
  tally.count(test, !trouble, skip_reason.value_or("(listed as a pass)"));
  if (trouble && !skip_reason) tally.surprises.push_back(fmt::format("{}: {}", test.name, *trouble));
  if (!trouble && skip_reason) {
    tally.surprises.push_back(fmt::format("{} passes now: list it as a pass in status.txt", test.name));
  }
}

void run_all(const SessionOptions& options) {
  const auto folder = suite_folder();
  if (!folder) {
    WARN("ONNX's test data is absent (Debian: apt install libonnx-testdata): skipped");
    return;
  }
  const StatusList list = StatusList::read(kStatusFile);
  Tally tally;
  const std::vector<SuiteCase> cases = list_cases(*folder);
  for (const SuiteCase& test : cases)
    check(tally, list, test, run_case(test, options), options.precision == "double");
  for (const auto& [name, reason] : list.all()) {
    const bool there = std::ranges::binary_search(cases, name, {}, &SuiteCase::name);
    if (!there) tally.surprises.push_back(fmt::format("{} is listed, but there is no such directory", name));
  }
  std::cout << "ONNX backend suite on " << options.backend << " (" << options.precision << "):\n"
            << tally.text();
  for (const std::string& surprise : tally.surprises) UNSCOPED_INFO(surprise);
  CHECK(tally.surprises.empty());
}

}  // namespace

TEST_CASE("the reference backend does what the list says of every ONNX backend test", "[onnx]") {
  run_all({.backend = "reference", .precision = "double", .threads = 1});
}

TEST_CASE("oneDNN agrees with every ONNX backend test that the list calls a pass", "[onnx]") {
  run_all({.backend = "onednn", .precision = "fp32", .threads = 1});
}

TEST_CASE("the cudnn backend agrees with every ONNX backend test that the list calls a pass", "[onnx][gpu]") {
  const std::vector<std::string> known = backends();
  if (std::ranges::none_of(known, [](const std::string& line) { return line.starts_with("cudnn"); })) {
    WARN("no CUDA device: skipped the ONNX backend tests on it");
    return;
  }
  run_all({.backend = "cudnn", .precision = "fp32"});
}

/// The list as the table of docs/operators.md: what passes by kind, what is left out and why.
std::string table_of(const StatusList& list) {
  std::map<std::string, std::pair<int, int>> kinds;
  std::map<std::string, int> reasons;
  for (const auto& [name, reason] : list.all()) {
    auto& [passed, all] = kinds[name.substr(0, name.find('/'))];
    ++all;
    passed += reason ? 0 : 1;
    if (reason) ++reasons[*reason];
  }
  std::string text = "| cases | pass |\n|---|---|\n";
  for (const auto& [kind, counts] : kinds)
    text += fmt::format("| {} | {} of {} |\n", kind, counts.first, counts.second);
  text += "\n| left out because of | cases |\n|---|---|\n";
  for (const auto& [reason, count] : reasons) text += fmt::format("| {} | {} |\n", reason, count);
  return text;
}

TEST_CASE("docs/operators.md counts ONNX's node tests as the list does", "[onnx]") {
  std::ifstream file(std::filesystem::path(ONNXRAY_SOURCE_DIR) / "docs" / "operators.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string table = table_of(StatusList::read(kStatusFile));
  INFO(table);
  CHECK(page.find(table) != std::string::npos);
}

TEST_CASE("the list of ONNX backend tests is rewritten on demand", "[.write]") {
  const char* path = std::getenv("ONNXRAY_WRITE_STATUS");
  const auto folder = suite_folder();
  if (!path || !folder) return;
  const char* backend = std::getenv("ONNXRAY_SUITE_BACKEND");
  const bool onednn = backend && std::string_view(backend) == "onednn";
  const SessionOptions options{
      .backend = onednn ? "onednn" : "reference", .precision = onednn ? "fp32" : "double", .threads = 1};
  StatusList list;
  for (const SuiteCase& test : list_cases(*folder)) {
    const auto trouble = run_case(test, options);
    const bool rounded = trouble && trouble->starts_with("differs") &&
                         !run_case(test, {.backend = "onednn", .precision = "fp32", .threads = 1});
    list.set(test.name, trouble && !rounded ? std::optional(reason_of(*trouble)) : std::nullopt);
    if (rounded) list.set_float32_only(test.name);
  }
  list.write(path);
}

}  // namespace onnxray::suite
