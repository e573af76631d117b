#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "ops/op.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

/// What ONNX published: operators of ai.onnx with the opsets that changed them, and the newest opset.
struct Published {
  int64_t newest = 0;
  std::map<std::string, std::set<int>> since;
};

Published read_published() {
  std::ifstream file(ONNXRAY_SOURCE_DIR "/tests/ops/since_versions.txt");
  Published published;
  std::string line, name;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> name;
    if (name == "opset") {
      words >> published.newest;
      continue;
    }
    for (int version = 0; words >> version;) published.since[name].insert(version);
  }
  return published;
}

TEST_CASE("no change of an operator is read as the version before it", "[ops]") {
  const Published published = read_published();
  REQUIRE(published.since.size() > 200);
  CHECK(published.newest == kNewestOpset);
  for (const OpDef& op : OpRegistry::builtin().all()) {
    const auto it = op.domain.empty() ? published.since.find(op.name) : published.since.end();
    if (it == published.since.end()) continue;
    INFO(op.name);
    for (const int version : it->second) {
      const bool listed = std::ranges::find(op.versions, version) != op.versions.end();
      CHECK((version < op.versions.front() || listed));
    }
    // ONNX Runtime knows a LayerNormalization of opset 1.
    for (const int version : op.versions)
      CHECK((it->second.contains(version) || (op.name == "LayerNormalization" && version == 1)));
  }
}

}  // namespace
}  // namespace onnxray
