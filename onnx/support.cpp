#include "onnx/support.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/fail.h"
#include "onnx/attributes.h"
#include "onnx/control_flow.h"
#include "onnx/element_type.h"
#include "onnx/quote.h"
#include "onnx/support_advice.h"

namespace onnxray {

namespace {

using Proto = onnx::AttributeProto;

std::string name_of_node(const FlatNode& node) {
  std::string name = node.proto->name();
  if (name.empty() && node.proto->output_size() > 0) name = node.proto->output(0);
  if (!node.frame->call_name.empty()) name = node.frame->call_name + "/" + name;
  return quote(name);
}

class Report {
 public:
  explicit Report(const OpRegistry& ops) : ops_(ops) {}
  void judge(const FlatNode& node);
  void judge_tensor(const onnx::TensorProto& tensor, const std::string& what);
  void add(const std::string& problem) { problems_.push_back(problem); }
  void throw_if_any() const;

 private:
  void judge_attributes(const FlatNode& node);
  std::string advice_for(const FlatNode& node) const;

  const OpRegistry& ops_;
  std::map<std::tuple<std::string, std::string, int64_t>, std::vector<const FlatNode*>> operators_;
  std::vector<std::string> problems_;
};

void Report::judge(const FlatNode& node) {
  const bool is_constant = node.domain.empty() && node.proto->op_type() == "Constant";
  const OpDef* op = ops_.find(node.domain, node.proto->op_type());
  for (const FlatBody& body : node.bodies)
    std::ranges::for_each(body.nodes, [&](const FlatNode& n) { judge(n); });
  const bool known = op && !op->versions.empty();
  require(!(known || is_constant) || node.opset > 0, ErrorCode::bad_file,
          "the {} is of domain {}, of which the model imports no opset", label_of(*node.proto),
          quote(node.domain));
  if (is_constant || (known && op->versions.front() <= node.opset))
    judge_attributes(node);
  else
    operators_[{node.domain, node.proto->op_type(), node.opset}].push_back(&node);
}

void Report::judge_attributes(const FlatNode& node) {
  for (Proto& written : *node.proto->mutable_attribute()) {
    const Proto* attribute = resolve_attribute(written, *node.frame);
    if (!attribute) continue;
    const std::string what =
        fmt::format("attribute {} of the {}", quote(written.name()), label_of(*node.proto));
    switch (type_of(*attribute)) {
      case Proto::TENSOR: judge_tensor(attribute->t(), what); break;
      case Proto::GRAPH:
        if (!is_control_flow(node.domain, node.proto->op_type())) add(what + " holds a subgraph");
        break;
      case Proto::GRAPHS: add(what + " holds a list of subgraphs"); break;
      case Proto::SPARSE_TENSOR:
      case Proto::SPARSE_TENSORS: add(what + " is sparse: make it dense"); break;
      case Proto::TYPE_PROTO:
      case Proto::TYPE_PROTOS: add(what + " is a type"); break;
      case Proto::TENSORS: add(what + " is a list of tensors"); break;
      case Proto::STRING:
      case Proto::STRINGS:
        if (node.proto->op_type() == "Constant" && node.domain.empty()) add(what + " is text, not numbers");
        break;
      default: break;
    }
  }
}

void Report::judge_tensor(const onnx::TensorProto& tensor, const std::string& what) {
  const std::string type = onnx_type_name(tensor.data_type(), what);
  if (dtype_from_onnx(tensor.data_type())) return;
  add(fmt::format("{} has the element type {}: convert it to FLOAT", what, type));
}

std::string Report::advice_for(const FlatNode& node) const {
  const OpDef* op = ops_.find(node.domain, node.proto->op_type());
  if (!op || op->versions.empty()) return support_advice(node.domain, node.proto->op_type());
  return fmt::format("known from opset {} on: export the model again with a newer opset",
                     op->versions.front());
}

void Report::throw_if_any() const {
  constexpr size_t kNamed = 8;
  if (operators_.empty() && problems_.empty()) return;
  std::string text = "the model needs what onnxray does not support:";
  for (const auto& [key, nodes] : operators_) {
    const auto& [domain, op, opset] = key;
    std::string names;
    for (size_t i = 0; i < std::min(nodes.size(), kNamed); ++i) {
      names += (i ? ", " : "") + name_of_node(*nodes[i]);
    }
    if (nodes.size() > kNamed) names += fmt::format(" and {} more", nodes.size() - kNamed);
    text +=
        fmt::format("\n  {} (opset {}), {} node{}: {}; {}", quote(domain.empty() ? op : domain + "." + op),
                    opset > 0 ? std::to_string(opset) : "not imported", nodes.size(),
                    nodes.size() == 1 ? "" : "s", names, advice_for(*nodes.front()));
  }
  for (const std::string& problem : problems_) text += "\n  " + problem;
  throw Error(ErrorCode::unsupported, text);
}

}  // namespace

void check_support(const FlatGraph& flat, const std::vector<size_t>& live, const OpRegistry& ops) {
  Report report(ops);
  for (const std::string& problem : flat.problems) report.add(problem);
  std::set<ValueId> read(flat.graph.outputs.begin(), flat.graph.outputs.end());
  for (const size_t index : live) {
    const FlatNode& node = flat.nodes[index];
    report.judge(node);
    read.insert(node.inputs.begin(), node.inputs.end());
  }
  for (const ValueId value : read) {
    const auto tensor = flat.initialisers.find(value);
    if (tensor != flat.initialisers.end()) {
      report.judge_tensor(*tensor->second, "initialiser " + quote(tensor->second->name()));
    }
    const auto sparse = flat.sparse.find(value);
    if (sparse != flat.sparse.end()) {
      report.add("initialiser " + quote(sparse->second) + " is sparse: store it as a dense tensor");
    }
  }
  report.throw_if_any();
}

}  // namespace onnxray
