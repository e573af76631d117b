#include "rules/operator_table.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/catch.h"

namespace onnxray {
namespace {

const std::filesystem::path kPage = std::filesystem::path(ONNXRAY_SOURCE_DIR) / "docs" / "operators.md";
const std::string kBegin = "<!-- table: written by ONNXRAY_WRITE_DOCS=1 test_rules '[.write]' -->\n";
const std::string kEnd = "<!-- end of table -->\n";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("docs/operators.md holds the table of the operators as they are") {
  const std::string page = read(kPage);
  const size_t begin = page.find(kBegin), end = page.find(kEnd);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const size_t first = begin + kBegin.size();
  CHECK(page.substr(first, end - first) == operator_table(OpRegistry::builtin()));
}

TEST_CASE("the table of docs/operators.md is rewritten on demand", "[.write]") {
  if (!std::getenv("ONNXRAY_WRITE_DOCS")) return;
  const std::string page = read(kPage);
  const size_t first = page.find(kBegin) + kBegin.size(), end = page.find(kEnd);
  std::ofstream(kPage) << page.substr(0, first) << operator_table(OpRegistry::builtin()) << page.substr(end);
}

TEST_CASE("what an operator is to relevance is decided by its class") {
  const OpRegistry& ops = OpRegistry::builtin();
  const auto facts = [&](const char* name) { return facts_of(*ops.find("", name), ops); };
  CHECK(facts("Conv").one_data == "z");
  CHECK(facts("MatMul").all_data == "bilinear");
  CHECK(facts("Mul").one_data == "pass");
  CHECK(facts("Einsum").one_data == "z");
  CHECK(facts("Attention").one_data == "of its parts");
  CHECK(facts("Where").all_data == "adjoint");
  CHECK(facts("Equal").one_data == "-");
  CHECK(facts("LSTM").gradient == "of its parts");
  CHECK(facts_of(*ops.find("onnxray", "RoundToGrid"), ops).gradient == "straight through");
}

TEST_CASE("no operator is registered twice, and each names its versions in order") {
  const auto all = OpRegistry::builtin().all();
  for (size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].domain << " " << all[i].name);
    CHECK(OpRegistry::builtin().find(all[i].domain, all[i].name) == &all[i]);
    CHECK(!all[i].versions.empty());
    CHECK(std::ranges::is_sorted(all[i].versions));
  }
}

}  // namespace
}  // namespace onnxray
