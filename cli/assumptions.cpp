#include "cli/assumptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace onnxray::cli {

namespace {

struct Spelling {
  std::string_view option, command;
};

/// What the command calls the options of the public header.
constexpr Spelling kSpellings[] = {{"at", "--at NODE"},
                                   {"attribute", "--attribute NAME"},
                                   {"convention", "--convention C"},
                                   {"input_layer_rule", "--param input_layer_rule=R"},
                                   {"keep_softmax", "--keep-softmax"},
                                   {"layer", "--param layer=NAME"},
                                   {"output", "--output NAME"},
                                   {"precision", "--precision double"},
                                   {"sample_axes", "--sample-axis NAME=K|none"}};

std::string command_option(const std::string& option) {
  const auto found = std::ranges::find(kSpellings, option, &Spelling::option);
  return found == std::end(kSpellings) ? option : std::string(found->command);
}

}  // namespace

std::string assumptions_text(const std::vector<Assumption>& assumptions) {
  std::string text;
  for (const Assumption& a : assumptions) {
    if (a.is_obvious) continue;
    text += fmt::format("assumed: {}: {} ({})", a.what, a.value, a.why);
    if (!a.option.empty()) text += fmt::format("; {} says otherwise", command_option(a.option));
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json assumptions_json(const std::vector<Assumption>& assumptions) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Assumption& a : assumptions)
    json.push_back(
        {{"what", a.what}, {"value", a.value}, {"why", a.why}, {"option", command_option(a.option)}});
  return json;
}

}  // namespace onnxray::cli
