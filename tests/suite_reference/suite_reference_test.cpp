#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/suite_reference/conformance_table.h"

// What Zennit, Captum, iNNvestigate and SIGN-XAI 1.x compute over small nets; tests/reference/goldens makes
// the data.

namespace onnxray::reference {
namespace {

/// Every case in both precisions; computed once.
const std::vector<Compared>& all_compared() {
  static const std::vector<Compared> all = [] {
    std::vector<Compared> result;
    for (const std::string& name : reference_names()) {
      ReferenceFile file = read_reference(name);
      std::vector<double> in_double = errors(file, {.backend = "reference", .precision = "double"}),
                          in_float = errors(file, {.backend = "onednn", .threads = 2});
      result.push_back({std::move(file), std::move(in_double), std::move(in_float)});
    }
    return result;
  }();
  return all;
}

void check(std::vector<double> Compared::*found, double (*tolerance)(const Case&)) {
  for (const Compared& compared : all_compared()) {
    CHECK(!compared.file.cases.empty());
    for (size_t i = 0; i < compared.file.cases.size(); ++i) {
      const Case& c = compared.file.cases[i];
      INFO(c.reference << " on " << c.model << ": " << c.method << ", " << c.convention << ", at '" << c.at
                       << "'");
      CHECK((compared.*found)[i] <= tolerance(c));
    }
  }
}

TEST_CASE("attributions in double are those of the frameworks") {
  // The frameworks computed in double; the arrays are stored with seven digits.
  check(&Compared::in_double, [](const Case&) { return 1e-5; });
}

TEST_CASE("attributions in float32 on onednn are those of the frameworks") {
  // Relevance can be ill-conditioned: a framework's own float32 map differs from its double one, by as much
  // as the case says. Ours may differ ten times as much, for other summation orders, but by 1e-5 in any case.
  check(&Compared::in_float, [](const Case& c) { return std::max(1e-5, 10 * c.float32); });
}

TEST_CASE("attributions on the GPU are those of the frameworks", "[gpu]") {
  const std::vector<std::string> known = backends();
  if (std::ranges::none_of(known, [](const std::string& line) { return line.starts_with("cudnn"); })) {
    WARN("no CUDA device: skipped the comparisons on it");
    return;
  }
  for (const std::string& name : reference_names()) {
    const ReferenceFile file = read_reference(name);
    const std::vector<double> found = errors(file, {.backend = "cudnn"});
    for (size_t i = 0; i < file.cases.size(); ++i) {
      const Case& c = file.cases[i];
      INFO(c.reference << " on " << c.model << ": " << c.method << ", " << c.convention);
      // As on onednn, but 1e-4 in any case: Winograd's and FFT's transforms cost a digit (docs/gpu.md).
      CHECK(found[i] <= std::max(1e-4, 10 * c.float32));
    }
  }
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("docs/conformance.md lists every method that is compared") {
  const std::string path = ONNXRAY_SOURCE_DIR "/docs/conformance.md";
  const std::string begin = "<!-- table -->\n", end = "<!-- end of table -->";
  const std::vector<TableRow> rows = table_rows(all_compared());
  std::string text = read_text(path);
  const size_t first = text.find(begin), last = text.find(end);
  REQUIRE((first != std::string::npos && last != std::string::npos));
  if (std::getenv("ONNXRAY_WRITE_CONFORMANCE")) {
    text.replace(first + begin.size(), last - first - begin.size(), table_text(rows));
    std::ofstream(path) << text;
  }
  for (const TableRow& row : rows) {
    INFO(row.key << ": run with ONNXRAY_WRITE_CONFORMANCE=1 to write the table");
    CHECK(text.find(row.key, text.find("### " + row.framework)) != std::string::npos);
  }
}

}  // namespace
}  // namespace onnxray::reference
