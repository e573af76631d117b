#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/options.h"

namespace onnxray::cli {

int methods_command(const Options& options) {
  if (options.json) {
    nlohmann::ordered_json json;
    for (const MethodDescription& m : methods()) {
      json.push_back({{"method", m.pattern},
                      {"formula", m.formula},
                      {"parameters", m.parameters},
                      {"citation", m.citation}});
    }
    fmt::print("{}\n", json.dump(2));
    return 0;
  }
  for (const MethodDescription& m : methods()) {
    fmt::print("{:<36} {}\n{:36} {}{}\n", m.pattern, m.formula, "", m.citation,
               m.parameters.empty() ? "" : "; " + m.parameters);
  }
  return 0;
}

}  // namespace onnxray::cli
