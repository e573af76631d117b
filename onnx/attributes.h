#pragma once

#include "onnx/flat_graph.h"

namespace onnxray {

class TensorReader;

/// The attribute itself, or what it refers to in the call that `frame` stands for; nullptr where the
/// call leaves it out.
onnx::AttributeProto* resolve_attribute(onnx::AttributeProto& attribute, const CallFrame& frame);

/// The declared type, or the one that the fields tell where an old exporter declared none.
onnx::AttributeProto::AttributeType type_of(const onnx::AttributeProto& attribute);

/// The attributes of a node whose attributes are all supported.
Attributes read_attributes(const FlatNode& node, TensorReader& tensors, GrowthBudget& budget);

/// The value of a Constant node.
Tensor read_constant(const FlatNode& node, TensorReader& tensors);

}  // namespace onnxray
