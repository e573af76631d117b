#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// The importer's graph is specialised before it is lowered, and that puts the bodies in the nodes' place.
void lower_control_flow(LowerContext& c) {
  fail(ErrorCode::failed, "'{}' was not expanded: specialise the graph first", c.node.op);
}

}  // namespace

std::vector<OpDef> control_flow_ops() {
  using enum RelevanceClass;
  return {
      {"", "If", {1, 11, 13, 16, 19, 21, 23, 24, 25}, lower_control_flow, none, {0}},
      {"", "Loop", {1, 11, 13, 16, 19, 21, 23, 24, 25}, lower_control_flow, none, {0, 1}},
      {"", "Scan", {9, 11, 16, 19, 21, 23, 24, 25}, lower_control_flow, none},
  };
}

}  // namespace onnxray
