#include "ops/control_flow.h"

#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// The importer's graph is specialised before it is lowered, and that puts the bodies in the nodes' place,
/// and tensors in that of sequences.
void lower_control_flow(LowerContext& c) {
  fail(ErrorCode::failed, "'{}' was not expanded: specialise the graph first", c.node.op);
}

}  // namespace

bool gives_way(const OpDef& op) { return op.lower == lower_control_flow; }

std::vector<OpDef> control_flow_ops() {
  using enum RelevanceClass;
  return {
      {"", "If", {1, 11, 13, 16, 19, 21, 23, 24, 25}, lower_control_flow, none, {0}},
      {"", "Loop", {1, 11, 13, 16, 19, 21, 23, 24, 25}, lower_control_flow, none, {0, 1}},
      {"", "Scan", {9, 11, 16, 19, 21, 23, 24, 25}, lower_control_flow, none},
      {"", "SequenceAt", {11}, lower_control_flow, none, {1}},
      {"", "SequenceConstruct", {11}, lower_control_flow, none},
      {"", "SequenceEmpty", {11}, lower_control_flow, none},
      {"", "SequenceErase", {11}, lower_control_flow, none, {1}},
      {"", "SequenceInsert", {11}, lower_control_flow, none, {2}},
      {"", "SequenceLength", {11}, lower_control_flow, none},
      {"", "SplitToSequence", {11, 24}, lower_control_flow, none, {1}},
      {"", "ConcatFromSequence", {11}, lower_control_flow, none},
  };
}

}  // namespace onnxray
