#include "tests/catch.h"
#include "tests/suite_reference/reference_case.h"

// What Zennit, Captum, iNNvestigate and SIGN-XAI 1.x compute over small nets; tests/reference/goldens makes
// the data.

namespace onnxray::reference {
namespace {

void check(const SessionOptions& options, double (*tolerance)(const Case&)) {
  for (const std::string& name : reference_names()) {
    const ReferenceFile file = read_reference(name);
    const std::vector<double> found = errors(file, options);
    for (size_t i = 0; i < found.size(); ++i) {
      const Case& c = file.cases[i];
      INFO(c.reference << " on " << c.model << ": " << c.method << ", " << c.convention << ", at '" << c.at
                       << "'");
      CHECK(found[i] <= tolerance(c));
    }
  }
}

TEST_CASE("attributions in double are those of the frameworks") {
  // The frameworks computed in double; the arrays are stored with seven digits.
  check({.backend = "reference", .precision = "double"}, [](const Case&) { return 1e-5; });
}

TEST_CASE("attributions in float32 on onednn are those of the frameworks") {
  // Relevance can be ill-conditioned: a framework's own float32 map differs from its double one, by as much
  // as the case says. Ours may differ ten times as much, for other summation orders, but by 1e-5 in any case.
  check({.backend = "onednn", .threads = 2}, [](const Case& c) { return std::max(1e-5, 10 * c.float32); });
}

}  // namespace
}  // namespace onnxray::reference
