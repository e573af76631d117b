// Changes a model as protobuf classes see it, so that most of what is tried can be parsed.

#include <onnx/onnx_pb.h>

#include <array>
#include <cstdint>
#include <limits>
#include <random>

#include "ops/op.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace onnxray {
namespace {

class Mutator {
 public:
  Mutator(onnx::ModelProto& model, unsigned seed)
      : graph_(*model.mutable_graph()), model_(model), random_(seed) {}

  void run() {
    using Change = void (Mutator::*)();
    constexpr std::array<Change, 11> kChanges{
        &Mutator::change_op,          &Mutator::change_attribute, &Mutator::add_attribute,
        &Mutator::drop_attribute,     &Mutator::rewire_input,     &Mutator::drop_input,
        &Mutator::add_node,           &Mutator::change_extent,    &Mutator::change_number,
        &Mutator::change_declaration, &Mutator::change_opset};
    for (size_t left = 1 + below(3); left > 0; --left) (this->*kChanges[below(kChanges.size())])();
  }

 private:
  size_t below(size_t count) { return count == 0 ? 0 : random_() % count; }

  int64_t integer() {
    constexpr std::array<int64_t, 16> kEdges{0,
                                             1,
                                             -1,
                                             2,
                                             3,
                                             7,
                                             -7,
                                             64,
                                             65536,
                                             1 << 30,
                                             (int64_t{1} << 31) - 1,
                                             int64_t{1} << 31,
                                             int64_t{1} << 40,
                                             int64_t{1} << 62,
                                             std::numeric_limits<int64_t>::min(),
                                             std::numeric_limits<int64_t>::max()};
    return kEdges[below(kEdges.size())];
  }

  float real() {
    constexpr std::array<float, 9> kEdges{0,
                                          -0.0F,
                                          1,
                                          -1,
                                          0.5F,
                                          1e30F,
                                          -1e30F,
                                          std::numeric_limits<float>::quiet_NaN(),
                                          std::numeric_limits<float>::infinity()};
    return kEdges[below(kEdges.size())];
  }

  onnx::NodeProto* any_node() {
    return graph_.node_size() > 0 ? graph_.mutable_node(static_cast<int>(below(graph_.node_size())))
                                  : nullptr;
  }

  std::string any_value() {
    std::vector<std::string> names{""};
    for (const auto& input : graph_.input()) names.push_back(input.name());
    for (const auto& tensor : graph_.initializer()) names.push_back(tensor.name());
    for (const auto& node : graph_.node())
      names.insert(names.end(), node.output().begin(), node.output().end());
    return names[below(names.size())];
  }

  const OpDef& any_op() { return OpRegistry::builtin().all()[below(OpRegistry::builtin().all().size())]; }

  void change_op() {
    const OpDef& op = any_op();
    if (onnx::NodeProto* node = any_node()) {
      node->set_op_type(std::string(op.name));
      node->set_domain(std::string(op.domain));
    }
  }

  void fill(onnx::AttributeProto& attribute) {
    using Proto = onnx::AttributeProto;
    attribute.clear_ints();
    attribute.clear_floats();
    switch (below(5)) {
      case 0: attribute.set_type(Proto::INT), attribute.set_i(integer()); break;
      case 1: attribute.set_type(Proto::FLOAT), attribute.set_f(real()); break;
      case 2: attribute.set_type(Proto::STRING), attribute.set_s("reflect"); break;
      case 3:
        attribute.set_type(Proto::FLOATS);
        for (size_t i = below(6); i > 0; --i) attribute.add_floats(real());
        break;
      default:
        attribute.set_type(Proto::INTS);
        for (size_t i = below(6); i > 0; --i) attribute.add_ints(integer());
    }
  }

  void change_attribute() {
    onnx::NodeProto* node = any_node();
    if (!node || node->attribute_size() == 0) return;
    auto& attribute = *node->mutable_attribute(static_cast<int>(below(node->attribute_size())));
    if (attribute.type() == onnx::AttributeProto::INTS && attribute.ints_size() > 0 && below(2) == 0)
      attribute.set_ints(static_cast<int>(below(attribute.ints_size())), integer());
    else if (attribute.type() == onnx::AttributeProto::INT && below(2) == 0)
      attribute.set_i(integer());
    else
      fill(attribute);
  }

  void add_attribute() {
    constexpr std::array<const char*, 16> kNames{
        "axis", "axes", "pads",      "strides",  "kernel_shape", "group", "output_padding", "output_shape",
        "mode", "perm", "blocksize", "keepdims", "dilations",    "to",    "num_outputs",    "hidden_size"};
    onnx::NodeProto* node = any_node();
    if (!node) return;
    auto& attribute = *node->add_attribute();
    attribute.set_name(kNames[below(kNames.size())]);
    fill(attribute);
  }

  void drop_attribute() {
    onnx::NodeProto* node = any_node();
    if (node && node->attribute_size() > 0)
      node->mutable_attribute()->DeleteSubrange(static_cast<int>(below(node->attribute_size())), 1);
  }

  void rewire_input() {
    onnx::NodeProto* node = any_node();
    if (!node) return;
    if (node->input_size() == 0 || below(4) == 0) return node->add_input(any_value());
    node->set_input(static_cast<int>(below(node->input_size())), any_value());
  }

  void drop_input() {
    onnx::NodeProto* node = any_node();
    if (node && node->input_size() > 0) node->mutable_input()->RemoveLast();
  }

  /// Behind the model's first output, which it then writes.
  void add_node() {
    if (graph_.output_size() == 0 || graph_.node_size() > 12) return;
    const OpDef& op = any_op();
    auto& node = *graph_.add_node();
    node.set_op_type(std::string(op.name));
    node.set_domain(std::string(op.domain));
    node.add_input(graph_.output(0).name());
    for (size_t i = below(3); i > 0; --i) node.add_input(any_value());
    const std::string name = "added" + std::to_string(random_());
    node.add_output(name);
    graph_.mutable_output(0)->set_name(name);
    graph_.mutable_output(0)->clear_type();
  }

  void change_extent() {
    const int inputs = graph_.input_size(), all = inputs + graph_.initializer_size();
    if (all == 0) return;
    const int at = static_cast<int>(below(all));
    const int64_t extent = below(3) == 0 ? integer() : static_cast<int64_t>(below(6));
    if (at >= inputs) {
      auto& tensor = *graph_.mutable_initializer(at - inputs);
      if (tensor.dims_size() == 0 || below(5) == 0) return tensor.add_dims(extent);
      return tensor.set_dims(static_cast<int>(below(tensor.dims_size())), extent);
    }
    auto& shape = *graph_.mutable_input(at)->mutable_type()->mutable_tensor_type()->mutable_shape();
    if (shape.dim_size() == 0 || below(5) == 0) return shape.add_dim()->set_dim_value(extent);
    shape.mutable_dim(static_cast<int>(below(shape.dim_size())))->set_dim_value(extent);
  }

  void change_number() {
    if (graph_.initializer_size() == 0) return;
    auto& tensor = *graph_.mutable_initializer(static_cast<int>(below(graph_.initializer_size())));
    if (tensor.int64_data_size() > 0)
      tensor.set_int64_data(static_cast<int>(below(tensor.int64_data_size())), integer());
    if (tensor.float_data_size() > 0)
      tensor.set_float_data(static_cast<int>(below(tensor.float_data_size())), real());
    std::string& raw = *tensor.mutable_raw_data();
    const int64_t number = integer();
    if (raw.size() >= sizeof(number))
      raw.replace(below(raw.size() / sizeof(number)) * sizeof(number), sizeof(number),
                  reinterpret_cast<const char*>(&number), sizeof(number));
    if (tensor.raw_data().empty()) tensor.clear_raw_data();
  }

  void change_declaration() {
    const int type = static_cast<int>(below(17));
    if (below(2) == 0 && graph_.input_size() > 0)
      return graph_.mutable_input(static_cast<int>(below(graph_.input_size())))
          ->mutable_type()
          ->mutable_tensor_type()
          ->set_elem_type(type);
    if (graph_.initializer_size() > 0)
      graph_.mutable_initializer(static_cast<int>(below(graph_.initializer_size())))->set_data_type(type);
  }

  void change_opset() {
    if (model_.opset_import_size() > 0)
      model_.mutable_opset_import(0)->set_version(1 + static_cast<int64_t>(below(28)));
  }

  onnx::GraphProto& graph_;
  onnx::ModelProto& model_;
  std::mt19937 random_;
};

}  // namespace
}  // namespace onnxray

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  onnx::ModelProto model;
  const bool is_model = model.ParseFromArray(data, static_cast<int>(size)) && model.has_graph();
  if (!is_model || seed % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  onnxray::Mutator(model, seed).run();
  const std::string changed = model.SerializeAsString();
  if (changed.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}
