#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// A line for each assumption that is not the obvious one, with the option that says otherwise.
std::string assumptions_text(const std::vector<Assumption>& assumptions);

/// All of them: [{what, value, why, option}], the option as the command spells it.
nlohmann::ordered_json assumptions_json(const std::vector<Assumption>& assumptions);

}  // namespace onnxray::cli
