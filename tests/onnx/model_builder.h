#pragma once

#include <google/protobuf/unknown_field_set.h>
#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "onnx/import.h"
#include "tests/support/error_of.h"

namespace onnxray::test {

/// Builds small ONNX models in memory.
struct ModelBuilder {
  using Names = std::vector<std::string>;

  onnx::ModelProto model;

  explicit ModelBuilder(int64_t opset = 17) {
    model.set_ir_version(8);
    add_opset(model, "", opset);
  }

  template <class Proto>
  static void add_opset(Proto& proto, const std::string& domain, int64_t version) {
    auto& import = *proto.add_opset_import();
    import.set_domain(domain);
    import.set_version(version);
  }

  onnx::GraphProto& graph() { return *model.mutable_graph(); }

  /// A negative extent is left open, with the symbol "batch".
  ModelBuilder& input(const std::string& name, const Shape& shape, int type = onnx::TensorProto::FLOAT) {
    declare(*graph().add_input(), name, shape, type);
    return *this;
  }
  ModelBuilder& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }

  onnx::NodeProto& node(const std::string& op, const Names& inputs, const Names& outputs,
                        const std::string& domain = "") {
    return fill(*graph().add_node(), op, inputs, outputs, domain);
  }

  onnx::TensorProto& initialiser(const std::string& name, const Shape& shape,
                                 const std::vector<float>& values) {
    onnx::TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const int64_t extent : shape) tensor.add_dims(extent);
    for (const float value : values) tensor.add_float_data(value);
    return tensor;
  }

  onnx::FunctionProto& function(const std::string& name, const Names& inputs, const Names& outputs,
                                int64_t opset = 17) {
    onnx::FunctionProto& result = *model.add_functions();
    result.set_name(name);
    result.set_domain("local");
    for (const auto& input : inputs) result.add_input(input);
    for (const auto& output : outputs) result.add_output(output);
    add_opset(result, "", opset);
    return result;
  }

  static onnx::NodeProto& fill(onnx::NodeProto& node, const std::string& op, const Names& inputs,
                               const Names& outputs, const std::string& domain = "") {
    node.set_op_type(op);
    if (!domain.empty()) node.set_domain(domain);
    for (const auto& input : inputs) node.add_input(input);
    for (const auto& output : outputs) node.add_output(output);
    return node;
  }

  static void declare(onnx::ValueInfoProto& info, const std::string& name, const Shape& shape, int type) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (const int64_t extent : shape) {
      auto& dim = *tensor.mutable_shape()->add_dim();
      if (extent < 0)
        dim.set_dim_param("batch");
      else
        dim.set_dim_value(extent);
    }
  }

  std::string bytes() const { return model.SerializeAsString(); }
};

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Appends a length-delimited field to a message that its class may not know.
template <class Proto>
void add_unknown(Proto& proto, int field, const std::string& bytes) {
  proto.mutable_unknown_fields()->AddLengthDelimited(field, bytes);
}

inline onnx::AttributeProto& set_int(onnx::NodeProto& node, const std::string& name, int64_t value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}

/// x[batch,2] -> Relu -> y
inline ModelBuilder relu_model() {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).output("y");
  builder.node("Relu", {"x"}, {"y"}).set_name("relu");
  return builder;
}

inline const OpRegistry& few_ops() {
  static const OpRegistry registry = [] {
    OpRegistry all;
    for (const char* name : {"Relu", "Add", "Identity", "Softmax", "Dropout", "Clip", "ConstantOfShape"}) {
      all.add({.domain = "", .name = name, .versions = {1, 6, 13}, .lower = nullptr});
    }
    all.add({.domain = "", .name = "Gelu", .versions = {20}, .lower = nullptr});
    return all;
  }();
  return registry;
}

inline ImportedModel import_model(const ModelBuilder& builder) {
  return import_onnx(as_bytes(builder.bytes()), {}, few_ops());
}

/// The error that importing gives; a usage error with the text "none" where there is none.
inline Error error_of(const ModelBuilder& builder) {
  try {
    import_model(builder);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::usage, "none");
}

}  // namespace onnxray::test
