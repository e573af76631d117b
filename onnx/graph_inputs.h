#pragma once

#include "onnx/flat_graph.h"

namespace onnxray {

/// Declares a graph input with its element type and extents. Error(bad_file) on a malformed type; types
/// that are well-formed but not supported join `flat.problems`.
void declare_input(FlatGraph& flat, ValueId value, const onnx::ValueInfoProto& info);

/// The extents of an input as it is declared.
InputInfo declared_extents(ValueId value, const onnx::ValueInfoProto& info);

/// What a graph output's declaration says, as far as it makes sense: what runs is not taken from it.
OutputInfo declared_output(ValueId value, const onnx::ValueInfoProto& info);

/// Checks a graph input that is also an initialiser against what the initialiser holds.
void check_shadowed_input(const onnx::ValueInfoProto& info, const onnx::TensorProto& initialiser);

}  // namespace onnxray
