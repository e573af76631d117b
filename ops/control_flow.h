#pragma once

#include "ops/op.h"

namespace onnxray {

/// Whether specialisation puts other nodes in the operator's place: control flow, sequences.
bool gives_way(const OpDef& op);

}  // namespace onnxray
