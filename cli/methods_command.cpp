#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "cli/options.h"
#include "cli/print.h"
#include "core/json_value.h"

namespace onnxray::cli {

namespace {

void print_json(const std::vector<MethodDescription>& all) {
  nlohmann::ordered_json json;
  for (const MethodDescription& m : all) {
    nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
    for (const auto& p : m.parameters) parameters.push_back({{"name", p.name}, {"default", p.default_value}});
    json.push_back({{"method", m.pattern},
                    {"example", m.example},
                    {"formula", m.formula},
                    {"parameters", std::move(parameters)},
                    {"citation", m.citation}});
  }
  print("{}\n", json_text(json));
}

}  // namespace

int methods_command(const Options& options) {
  const std::vector<MethodDescription> all = methods();
  if (options.json) {
    print_json(all);
    return 0;
  }
  for (const MethodDescription& m : all) {
    std::vector<std::string> parameters;
    for (const auto& p : m.parameters) parameters.push_back(fmt::format("{} ({})", p.name, p.default_value));
    print("{}\n    {}\n    {}\n", m.pattern, m.formula, m.citation);
    if (!parameters.empty()) cli::print("    {}\n", fmt::join(parameters, ", "));
  }
  return 0;
}

}  // namespace onnxray::cli
