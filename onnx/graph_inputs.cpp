#include "onnx/graph_inputs.h"

#include <algorithm>

#include "core/fail.h"
#include "onnx/element_type.h"
#include "onnx/quote.h"

namespace onnxray {

namespace {

using Extent = std::variant<int64_t, std::string>;

std::vector<Extent> read_extents(const onnx::TensorShapeProto& shape, const std::string& what) {
  std::vector<Extent> result;
  int64_t room = int64_t{1} << 58;  // even doubles of that many elements can be counted in bytes
  for (const auto& dim : shape.dim()) {
    if (dim.has_dim_param()) {
      result.emplace_back(dim.dim_param());
      continue;
    }
    // Some exporters write -1 for an extent that they do not know.
    if (!dim.has_dim_value() || dim.dim_value() == -1) {
      result.emplace_back(std::string());
      continue;
    }
    require(dim.dim_value() >= 0, ErrorCode::bad_file, "{} has the negative extent {}", what,
            dim.dim_value());
    room /= std::max<int64_t>(dim.dim_value(), 1);
    require(room > 0, ErrorCode::bad_file, "{} has absurdly large extents, {} among them", what,
            dim.dim_value());
    result.emplace_back(dim.dim_value());
  }
  return result;
}

std::string kind_of(const onnx::TypeProto& type) {
  switch (type.value_case()) {
    case onnx::TypeProto::kTensorType: return "a tensor";
    case onnx::TypeProto::kSequenceType: return "a sequence";
    case onnx::TypeProto::kMapType: return "a map";
    case onnx::TypeProto::kOptionalType: return "an optional value";
    case onnx::TypeProto::kSparseTensorType: return "a sparse tensor";
    default: return "of an unknown type";
  }
}

}  // namespace

InputInfo declared_extents(ValueId value, const onnx::ValueInfoProto& info) {
  InputInfo input{value, {}, false};
  if (!info.type().has_tensor_type()) return input;
  input.has_shape = info.type().tensor_type().has_shape();
  input.extents = read_extents(info.type().tensor_type().shape(), "input " + quote(info.name()));
  return input;
}

void declare_input(FlatGraph& flat, ValueId value, const onnx::ValueInfoProto& info) {
  const std::string what = "input " + quote(info.name());
  require(info.has_type() && info.type().value_case() != onnx::TypeProto::VALUE_NOT_SET, ErrorCode::bad_file,
          "{} has no type", what);
  InputInfo input = declared_extents(value, info);
  if (!info.type().has_tensor_type()) {
    flat.problems.push_back(what + " is " + kind_of(info.type()) + ": only tensors can be inputs");
    flat.graph.inputs.push_back(std::move(input));
    return;
  }
  const auto& tensor = info.type().tensor_type();
  const std::string type = onnx_type_name(tensor.elem_type(), what);
  flat.graph[value].dtype = dtype_from_onnx(tensor.elem_type());
  if (!flat.graph[value].dtype) {
    flat.problems.push_back(what + " has the element type " + type + ", which is not supported");
  }
  const bool fixed = std::ranges::all_of(input.extents, [](const Extent& e) { return e.index() == 0; });
  if (input.has_shape && fixed) {
    Shape shape;
    for (const Extent& extent : input.extents) shape.push_back(std::get<int64_t>(extent));
    flat.graph[value].shape = std::move(shape);
  }
  flat.graph.inputs.push_back(std::move(input));
}

OutputInfo declared_output(ValueId value, const onnx::ValueInfoProto& info) {
  OutputInfo output{{.value = value, .extents = {}}, {}};
  if (!info.type().has_tensor_type()) return output;
  const auto& tensor = info.type().tensor_type();
  output.dtype = dtype_from_onnx(tensor.elem_type());
  output.declared.has_shape = tensor.has_shape();
  for (const auto& dim : tensor.shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() >= 0)
      output.declared.extents.emplace_back(dim.dim_value());
    else
      output.declared.extents.emplace_back(dim.dim_param());
  }
  return output;
}

void check_shadowed_input(const onnx::ValueInfoProto& info, const onnx::TensorProto& initialiser) {
  if (!info.type().has_tensor_type()) return;
  const auto& declared = info.type().tensor_type();
  const std::string what = "input " + quote(info.name());
  require(declared.elem_type() == initialiser.data_type(), ErrorCode::bad_file,
          "{} is declared {} but its initialiser is {}", what, onnx_type_name(declared.elem_type(), what),
          onnx_type_name(initialiser.data_type(), what));
  if (!declared.has_shape()) return;
  bool fits = declared.shape().dim_size() == initialiser.dims_size();
  for (int i = 0; fits && i < initialiser.dims_size(); ++i) {
    const auto& dim = declared.shape().dim(i);
    fits = !dim.has_dim_value() || dim.dim_value() == -1 || dim.dim_value() == initialiser.dims(i);
  }
  require(fits, ErrorCode::bad_file, "{} is declared with another shape than its initialiser has", what);
}

}  // namespace onnxray
