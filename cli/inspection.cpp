#include "cli/inspection.h"

#include <nlohmann/json.hpp>

#include "cli/assumptions.h"
#include "core/json_value.h"

namespace onnxray::cli {

std::string inspection_json(const Model& model, const Inspection& inspection, const std::string& method) {
  nlohmann::ordered_json json{{"opset", model.opset()},
                              {"producer", model.producer()},
                              {"method", method},
                              {"samples_at_once", inspection.samples_at_once},
                              {"arena_bytes", inspection.arena_bytes},
                              {"planned_bytes", inspection.planned_bytes}};
  json["primitives"] = inspection.primitives;
  json["assumptions"] = assumptions_json(inspection.assumptions);
  for (const NodeReport& node : inspection.nodes) {
    json["nodes"].push_back({{"name", node.name},
                             {"op", node.op},
                             {"output", node.output},
                             {"shape", node.shape},
                             {"rule", node.rule},
                             {"names", node.names}});
  }
  return json_text(json);
}

}  // namespace onnxray::cli
