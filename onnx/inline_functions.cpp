#include "onnx/inline_functions.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/fail.h"
#include "onnx/attributes.h"
#include "onnx/graph_inputs.h"
#include "onnx/local_functions.h"
#include "onnx/proto_compat.h"
#include "onnx/quote.h"
#include "onnx/scopes.h"

namespace onnxray {

namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

/// The values of one graph or function body by name.
struct Binding {
  ValueId value = kNoValue;
  bool defined = false;  ///< false while a function's output waits for the node that writes it
};
using Names = std::unordered_map<std::string_view, Binding>;

/// What a name means: the innermost graph that defines it decides.
struct Scope {
  Names names;
  const Scope* outer = nullptr;

  const Binding* find(std::string_view name) const {
    if (const auto it = names.find(name); it != names.end()) return &it->second;
    return outer ? outer->find(name) : nullptr;
  }
};

/// The values that a body reads and does not define itself.
std::vector<ValueId> captures_of(const FlatBody& body) {
  std::unordered_set<ValueId> own(body.inputs.begin(), body.inputs.end());
  for (const FlatNode& node : body.nodes) own.insert(node.outputs.begin(), node.outputs.end());
  std::vector<ValueId> captures;
  const auto read = [&](ValueId id) {
    if (id != kNoValue && own.insert(id).second) captures.push_back(id);
  };
  for (const FlatNode& node : body.nodes) std::ranges::for_each(node.inputs, read);
  std::ranges::for_each(body.outputs, read);
  return captures;
}

class Flattener {
 public:
  Flattener(onnx::ModelProto& model, const OpsetImports& opsets, GrowthBudget& budget)
      : model_(model), opsets_(opsets), budget_(budget) {}

  FlatGraph run();

 private:
  void declare_initialisers(onnx::GraphProto& graph, Names& names);
  void declare_inputs(const onnx::GraphProto& graph, Names& names);
  void declare_outputs(const onnx::GraphProto& graph, const Names& names);
  void add_body(Nodes& nodes, Scope& scope, const CallFrame& frame);
  void define_outputs(const onnx::NodeProto& node, Names& names, const CallFrame& frame);
  void add_node(onnx::NodeProto& node, const Scope& scope, const CallFrame& frame);
  FlatBody flatten_subgraph(onnx::GraphProto& graph, const Scope& outer, const CallFrame& frame);
  void expand_call(onnx::NodeProto& node, LocalFunction& function, const CallFrame& frame,
                   std::vector<ValueId> inputs, std::vector<ValueId> outputs);
  CallFrame& open_frame(onnx::NodeProto& node, LocalFunction& function, const CallFrame& caller);
  Names bind_parameters(const LocalFunction& function, const CallFrame& frame,
                        const std::vector<ValueId>& inputs);
  void forward_value(ValueId from, ValueId to, const CallFrame& frame);

  onnx::ModelProto& model_;
  const OpsetImports& opsets_;
  GrowthBudget& budget_;
  FlatGraph flat_;
  std::vector<FlatNode>* nodes_ = &flat_.nodes;  ///< where nodes go: the graph's, or an open body's
  int depth_ = 0;
};

FlatGraph Flattener::run() {
  flat_.functions = read_functions(model_);
  flat_.identity = std::make_unique<onnx::NodeProto>();
  flat_.identity->set_op_type("Identity");
  CallFrame& frame = flat_.frames.emplace_back();
  frame.opsets = &opsets_;
  onnx::GraphProto& graph = *model_.mutable_graph();
  Scope scope;
  declare_initialisers(graph, scope.names);
  declare_inputs(graph, scope.names);
  add_body(*graph.mutable_node(), scope, frame);
  declare_outputs(graph, scope.names);
  return std::move(flat_);
}

void Flattener::declare_initialisers(onnx::GraphProto& graph, Names& names) {
  const auto declare = [&](const std::string& name) {
    require(!name.empty(), ErrorCode::bad_file, "an initialiser has no name");
    const ValueId value = flat_.graph.add_value(name);
    require(names.emplace(name, Binding{value, true}).second, ErrorCode::bad_file,
            "initialiser {} is defined twice", quote(name));
    return value;
  };
  for (auto& tensor : *graph.mutable_initializer()) flat_.initialisers[declare(tensor.name())] = &tensor;
  for (const auto& sparse : graph.sparse_initializer()) {
    flat_.sparse[declare(sparse.values().name())] = sparse.values().name();
  }
}

void Flattener::declare_inputs(const onnx::GraphProto& graph, Names& names) {
  std::unordered_map<std::string_view, int> seen;
  for (const auto& info : graph.input()) {
    require(!info.name().empty(), ErrorCode::bad_file, "a graph input has no name");
    require(seen[info.name()]++ == 0, ErrorCode::bad_file, "input {} is declared twice", quote(info.name()));
    if (const auto it = names.find(info.name()); it != names.end()) {
      flat_.shadowed.push_back(declared_extents(it->second.value, info));
      const auto tensor = flat_.initialisers.find(it->second.value);
      if (tensor != flat_.initialisers.end()) check_shadowed_input(info, *tensor->second);
      continue;
    }
    const ValueId value = flat_.graph.add_value(info.name());
    names.emplace(info.name(), Binding{value, true});
    declare_input(flat_, value, info);
  }
}

void Flattener::declare_outputs(const onnx::GraphProto& graph, const Names& names) {
  require(graph.output_size() > 0, ErrorCode::bad_file, "the graph has no outputs");
  for (const auto& info : graph.output()) {
    const auto it = names.find(info.name());
    require(it != names.end(), ErrorCode::bad_file, "nothing computes the graph output {}",
            quote(info.name()));
    flat_.graph.outputs.push_back(it->second.value);
    flat_.outputs.push_back(declared_output(it->second.value, info));
  }
}

void Flattener::add_body(Nodes& nodes, Scope& scope, const CallFrame& frame) {
  // All outputs first: files whose nodes are out of order are common, and a cycle is reported as such.
  for (const auto& node : nodes) define_outputs(node, scope.names, frame);
  for (auto& node : nodes) add_node(node, scope, frame);
}

FlatBody Flattener::flatten_subgraph(onnx::GraphProto& graph, const Scope& outer, const CallFrame& frame) {
  FlatBody body;
  Scope scope{.names = {}, .outer = &outer};
  declare_initialisers(graph, scope.names);
  for (const auto& info : graph.input()) {
    require(!info.name().empty(), ErrorCode::bad_file, "an input of a subgraph has no name");
    const ValueId value = flat_.graph.add_value(info.name());
    require(scope.names.emplace(info.name(), Binding{value, true}).second, ErrorCode::bad_file,
            "input {} of a subgraph is defined twice", quote(info.name()));
    body.inputs.push_back(value);
  }
  std::vector<FlatNode>* const around = std::exchange(nodes_, &body.nodes);
  add_body(*graph.mutable_node(), scope, frame);
  nodes_ = around;
  for (const auto& info : graph.output()) {
    const Binding* found = scope.find(info.name());
    require(found != nullptr, ErrorCode::bad_file, "nothing computes the output {} of a subgraph",
            quote(info.name()));
    body.outputs.push_back(found->value);
  }
  return body;
}

void Flattener::define_outputs(const onnx::NodeProto& node, Names& names, const CallFrame& frame) {
  require(!node.op_type().empty(), ErrorCode::bad_file, "the {} has no operator type{}", label_of(node),
          place_of(frame));
  for (const std::string& name : node.output()) {
    if (name.empty()) continue;
    auto [it, is_new] = names.try_emplace(name);
    require(!it->second.defined, ErrorCode::bad_file, "value {}, which the {} writes, is defined twice{}",
            quote(name), label_of(node), place_of(frame));
    if (is_new) {
      it->second.value = flat_.graph.add_value(frame.call_name.empty() ? name : frame.call_name + "/" + name);
    }
    it->second.defined = true;
  }
}

void Flattener::add_node(onnx::NodeProto& node, const Scope& scope, const CallFrame& frame) {
  std::vector<ValueId> inputs, outputs;
  for (const std::string& name : node.input()) {
    const Binding* found = name.empty() ? nullptr : scope.find(name);
    require(name.empty() || found, ErrorCode::bad_file, "the {} reads {}, which nothing defines{}",
            label_of(node), quote(name), place_of(frame));
    inputs.push_back(found ? found->value : kNoValue);
  }
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
  for (const std::string& name : node.output()) {
    outputs.push_back(name.empty() ? kNoValue : scope.names.at(name).value);
  }
  if (LocalFunction* function = find_function(flat_.functions, node)) {
    expand_call(node, *function, frame, std::move(inputs), std::move(outputs));
    return;
  }
  FlatNode flat;
  flat.proto = &node;
  flat.frame = &frame;
  flat.domain = normal_domain(node.domain());
  flat.opset = opset_of(flat.domain, frame);
  flat.operands = inputs.size();
  flat.inputs = std::move(inputs);
  flat.outputs = std::move(outputs);
  for (auto& written : *node.mutable_attribute()) {
    onnx::AttributeProto* attribute = resolve_attribute(written, frame);
    if (!attribute || type_of(*attribute) != onnx::AttributeProto::GRAPH) continue;
    flat.bodies.push_back(flatten_subgraph(*attribute->mutable_g(), scope, frame));
    flat.bodies.back().attribute = written.name();
    for (const ValueId id : captures_of(flat.bodies.back())) flat.inputs.push_back(id);
  }
  nodes_->push_back(std::move(flat));
}

void Flattener::expand_call(onnx::NodeProto& node, LocalFunction& function, const CallFrame& caller,
                            std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  constexpr int kDeepest = 64;
  require(!function.open, ErrorCode::bad_file, "the local function {} calls itself", quote(node.op_type()));
  require(depth_ < kDeepest, ErrorCode::bad_file, "local functions are nested more than {} deep", kDeepest);
  const auto& proto = *function.proto;
  require(inputs.size() <= static_cast<size_t>(proto.input_size()) &&
              outputs.size() <= static_cast<size_t>(proto.output_size()),
          ErrorCode::bad_file, "the {} has {} inputs and {} outputs, but its function takes {} and gives {}",
          label_of(node), inputs.size(), outputs.size(), proto.input_size(), proto.output_size());
  inputs.resize(static_cast<size_t>(proto.input_size()), kNoValue);
  outputs.resize(static_cast<size_t>(proto.output_size()), kNoValue);

  CallFrame& frame = open_frame(node, function, caller);
  frame.outputs = std::move(outputs);
  Scope scope{.names = bind_parameters(function, frame, inputs)};
  const Names& names = scope.names;
  function.open = true;
  ++depth_;
  add_body(*function.proto->mutable_node(), scope, frame);
  --depth_;
  function.open = false;
  for (int i = 0; i < proto.output_size(); ++i) {
    const auto it = names.find(proto.output(i));
    require(frame.outputs[static_cast<size_t>(i)] == kNoValue || (it != names.end() && it->second.defined),
            ErrorCode::bad_file, "the local function {} never computes its output {}", quote(proto.name()),
            quote(proto.output(i)));
  }
}

CallFrame& Flattener::open_frame(onnx::NodeProto& node, LocalFunction& function, const CallFrame& caller) {
  std::string name = !node.name().empty() || node.output_size() == 0 ? node.name() : node.output(0);
  if (name.empty()) name = node.op_type();
  if (!caller.call_name.empty()) name = caller.call_name + "/" + name;
  auto scopes = scopes_of(node);
  if (scopes.empty()) scopes = caller.scopes;

  size_t text = name.size();
  for (const std::string& scope : scopes) text += scope.size() + sizeof(std::string);
  // What comes of a node later takes more than the node.
  constexpr int64_t kPerByte = 16;
  budget_.spend(static_cast<int64_t>(function.size + text * (function.size / 400 + 1)), kPerByte,
                "the expansion of local functions");

  CallFrame& frame = flat_.frames.emplace_back();
  frame.caller = &caller;
  frame.call_name = std::move(name);
  frame.scopes = std::move(scopes);
  frame.opsets = &function.opsets;
  for (auto& attribute : *node.mutable_attribute()) {
    if (onnx::AttributeProto* value = resolve_attribute(attribute, caller)) {
      frame.attributes.emplace(attribute.name(), value);
    }
  }
  for (auto& attribute : function.defaults) frame.attributes.emplace(attribute.name(), &attribute);
  return frame;
}

/// The function's inputs and outputs stand for the call's values, so that most bodies need no copies.
Names Flattener::bind_parameters(const LocalFunction& function, const CallFrame& frame,
                                 const std::vector<ValueId>& inputs) {
  const auto& proto = *function.proto;
  Names names;
  for (int i = 0; i < proto.input_size(); ++i) {
    const Binding binding{inputs[static_cast<size_t>(i)], true};
    require(names.emplace(proto.input(i), binding).second, ErrorCode::bad_file,
            "the local function {} has two inputs named {}", quote(proto.name()), quote(proto.input(i)));
  }
  for (int i = 0; i < proto.output_size(); ++i) {
    const ValueId output = frame.outputs[static_cast<size_t>(i)];
    if (output == kNoValue) continue;
    const auto [it, is_new] = names.emplace(proto.output(i), Binding{output, false});
    if (!is_new) forward_value(it->second.value, output, frame);
  }
  return names;
}

void Flattener::forward_value(ValueId from, ValueId to, const CallFrame& frame) {
  require(from != kNoValue, ErrorCode::bad_file, "a function returns an input that its call omits{}",
          place_of(frame));
  FlatNode copy;
  copy.proto = flat_.identity.get();
  copy.frame = &frame;
  copy.opset = opset_of("", frame);
  copy.inputs = {from};
  copy.outputs = {to};
  nodes_->push_back(std::move(copy));
}

}  // namespace

FlatGraph flatten(onnx::ModelProto& model, const OpsetImports& opsets, GrowthBudget& budget) {
  return Flattener(model, opsets, budget).run();
}

}  // namespace onnxray
