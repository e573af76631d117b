#pragma once

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/suite_onnx/suite_case.h"

namespace onnxray::sweep {

/// A node test of ONNX's test data: its model and the inputs of its first data set.
struct ModelCase {
  onnx::ModelProto model;
  std::vector<Tensor> inputs;
};

/// Nothing where the files hold what onnxray has no tensors for.
std::optional<ModelCase> read_case(const suite::SuiteCase& test);

/// A case with one thing changed.
struct Variant {
  std::string what;
  std::function<void(ModelCase&)> change;
};

using Variants = std::vector<Variant>;

/// The attributes that some node test gives to each operator: what a variant may add to another.
using KnownAttributes = std::map<std::string, std::map<std::string, onnx::AttributeProto>>;

/// Extents, ranks, types and values of inputs; inputs that become initializers.
Variants input_variants(const ModelCase& original);
/// Attributes with other values or types, absent ones, and those that only other tests have.
Variants attribute_variants(const ModelCase& original, const KnownAttributes& known);
/// Operands that are missing, too many or exchanged; outputs; versions of the operator.
Variants node_variants(const ModelCase& original);

/// All three, in this order.
Variants variants_of(const ModelCase& original, const KnownAttributes& known);

/// Integers that meet the ends of every check, and reals likewise.
const std::vector<int64_t>& odd_integers();
const std::vector<double>& odd_reals();

}  // namespace onnxray::sweep
