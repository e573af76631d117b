#include "onnx/control_flow.h"

#include <algorithm>
#include <unordered_map>

#include "core/fail.h"
#include "onnx/observer.h"

namespace onnxray {

namespace {

// Each trip becomes nodes of the program; more than this is no model of ours but a mistake.
constexpr int64_t kMostTrips = 20'000;
constexpr int64_t kOpset = 21;  ///< of the nodes that join what the trips computed
/// What a node takes on its way through the graph, the program and the plan.
constexpr int64_t kNodeBytes = 16 << 10;

double nodes_of(const Graph& graph, const Body& body);

/// How many trips a loop is known to make whatever its body computes; 1 where that is not known.
double sure_trips(const Graph& graph, const Node& node, const Body& body) {
  if (node.op != "Loop" || node.inputs.empty() || body.inputs.size() < 2 || body.outputs.empty()) return 1;
  const Tensor* trips = graph.constant(node.inputs[0]);
  const auto is_passed_on = [&](const Node& inner) {
    return inner.op == "Identity" && inner.inputs == std::vector{body.inputs[1]} &&
           inner.outputs == std::vector{body.outputs[0]};
  };
  const Tensor* known = graph.constant(body.outputs[0]);
  const bool is_true = known && known->size() == 1 && known->as_int64(0) != 0;
  const bool goes_on =
      is_true || body.outputs[0] == body.inputs[1] || std::ranges::any_of(body.nodes, is_passed_on);
  return goes_on && trips && trips->size() == 1 ? std::max(trips->as_double(0), 0.0) : 1;
}

/// How many nodes one run of a body becomes, at least, loops within it unrolled.
double nodes_of(const Graph& graph, const Body& body) {
  double nodes = 0;
  for (const Node& node : body.nodes) {
    ++nodes;
    for (const auto& [name, attribute] : node.attributes) {
      const auto* inner = std::get_if<Subgraph>(&attribute);
      if (inner && node.op == "Loop") nodes += sure_trips(graph, node, **inner) * nodes_of(graph, **inner);
    }
  }
  return nodes;
}

/// A body whose outer values have other ids.
template <class Current>
Subgraph renumbered(const Body& body, const Current& current) {
  auto copy = std::make_shared<Body>(body);
  for (Node& node : copy->nodes) {
    for (ValueId& id : node.inputs) id = current(id);
    for (auto& [name, attribute] : node.attributes) {
      if (const auto* nested = std::get_if<Subgraph>(&attribute)) attribute = renumbered(**nested, current);
    }
  }
  for (ValueId& id : copy->outputs) id = current(id);
  return copy;
}

class Unroller {
 public:
  Unroller(Graph& graph, const Node& node, const std::function<void(Node)>& settle, GrowthBudget& budget,
           const Observer* observer)
      : graph_(graph), node_(node), settle_(settle), budget_(budget), observer_(observer) {}

  void run_if();
  void run_loop();
  void run_scan();

 private:
  ValueId operand(size_t i, const Body& body) const { return i < body.operands ? node_.inputs[i] : kNoValue; }
  /// The body's nodes over other inputs; the values of its outputs.
  std::vector<ValueId> run_body(const Body& body, const std::vector<ValueId>& inputs,
                                const std::string& suffix);
  const Tensor& known(ValueId id, std::string_view what);
  ValueId add(std::string op, std::vector<ValueId> inputs, Attributes attributes = {});
  ValueId ints(const std::vector<int64_t>& values) {
    return graph_.add_constant("", Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  /// Node output `i` is `v`.
  void set(size_t i, ValueId v);
  /// Node output `i` is the trips' results joined along a new axis.
  void set_stacked(size_t i, std::vector<ValueId> parts, int64_t axis);

  Graph& graph_;
  const Node& node_;
  const std::function<void(Node)>& settle_;
  GrowthBudget& budget_;
  const Observer* observer_;
  const std::string unrolled_ = node_.describe() + ": the nodes of its trips";
};

const Tensor& Unroller::known(ValueId id, std::string_view what) {
  const Tensor* value = graph_.constant(observed(graph_, node_, id, what, observer_));
  require(value != nullptr, ErrorCode::unsupported,
          "{}: {} depends on the data; export the model with the branch or loop fixed", node_.describe(),
          what);
  require(value->size() == 1, ErrorCode::bad_file, "{}: {} is a tensor {}, not one value", node_.describe(),
          what, to_string(value->shape()));
  return *value;
}

ValueId Unroller::add(std::string op, std::vector<ValueId> inputs, Attributes attributes) {
  Node node{.op = std::move(op),
            .opset = kOpset,
            .domain = {},
            .attributes = std::move(attributes),
            .inputs = std::move(inputs),
            .outputs = {graph_.add_value("")},
            .origin = node_.origin};
  const ValueId result = node.outputs[0];
  settle_(std::move(node));
  return result;
}

void Unroller::set(size_t i, ValueId v) {
  if (i >= node_.outputs.size() || node_.outputs[i] == kNoValue) return;
  settle_({.op = "Identity",
           .opset = kOpset,
           .domain = {},
           .attributes = {},
           .inputs = {v},
           .outputs = {node_.outputs[i]},
           .origin = node_.origin});
}

void Unroller::set_stacked(size_t i, std::vector<ValueId> parts, int64_t axis) {
  if (i >= node_.outputs.size() || node_.outputs[i] == kNoValue) return;
  require(!parts.empty(), ErrorCode::unsupported, "{}: it makes no trip, so that its output {} has no shape",
          node_.describe(), i);
  for (ValueId& part : parts) part = add("Unsqueeze", {part, ints({axis})});
  set(i, parts.size() == 1 ? parts[0] : add("Concat", parts, {{"axis", axis}}));
}

std::vector<ValueId> Unroller::run_body(const Body& body, const std::vector<ValueId>& inputs,
                                        const std::string& suffix) {
  require(inputs.size() == body.inputs.size(), ErrorCode::bad_file, "{}: its body takes {} inputs, not {}",
          node_.describe(), body.inputs.size(), inputs.size());
  budget_.spend(std::ssize(body.nodes), kNodeBytes, unrolled_);
  std::unordered_map<ValueId, ValueId> renamed;
  for (size_t i = 0; i < inputs.size(); ++i) renamed[body.inputs[i]] = inputs[i];
  const auto current = [&](ValueId id) {
    const auto it = renamed.find(id);
    return it == renamed.end() ? id : it->second;
  };
  for (Node inner : body.nodes) {
    for (ValueId& id : inner.inputs) id = current(id);
    for (ValueId& id : inner.outputs) {
      if (id == kNoValue) continue;
      const ValueId fresh = graph_.add_value(graph_[id].name + suffix);
      renamed[id] = fresh;
      id = fresh;
    }
    for (std::string& name : inner.origin.names) {
      name += suffix;
      budget_.spend(std::ssize(name), 3, unrolled_);
    }
    // A body within the body reads this one's values by their old ids.
    for (auto& [name, attribute] : inner.attributes) {
      if (const auto* nested = std::get_if<Subgraph>(&attribute)) attribute = renumbered(**nested, current);
    }
    settle_(std::move(inner));
  }
  std::vector<ValueId> outputs;
  for (const ValueId id : body.outputs) outputs.push_back(current(id));
  return outputs;
}

void Unroller::run_if() {
  const bool taken = known(node_.inputs.at(0), "its condition").as_int64(0) != 0;
  const Body& body = body_attribute(node_, taken ? "then_branch" : "else_branch");
  const std::vector<ValueId> results = run_body(body, {}, "");
  require(results.size() >= node_.outputs.size(), ErrorCode::bad_file,
          "{}: its branch returns {} of {} values", node_.describe(), results.size(), node_.outputs.size());
  for (size_t i = 0; i < node_.outputs.size(); ++i) set(i, results[i]);
}

// (M, condition, v...) -> (v..., stacked...); body: (trip, condition, v...) -> (condition, v..., to stack...)
void Unroller::run_loop() {
  const Body& body = body_attribute(node_, "body");
  const size_t carried = body.operands > 2 ? body.operands - 2 : 0;
  require(body.inputs.size() == carried + 2 && body.outputs.size() >= carried + 1, ErrorCode::bad_file,
          "{}: its body takes {} inputs and gives {} outputs for {} carried values", node_.describe(),
          body.inputs.size(), body.outputs.size(), carried);
  const ValueId limit_id = operand(0, body), condition_id = operand(1, body);
  const int64_t limit = limit_id == kNoValue ? INT64_MAX : known(limit_id, "its number of trips").as_int64(0);
  ValueId condition = condition_id;
  if (condition == kNoValue) condition = graph_.add_constant("", Tensor::scalar(true));
  std::vector<ValueId> state;
  for (size_t i = 0; i < carried; ++i) state.push_back(operand(2 + i, body));
  if (known(condition, "its condition").as_int64(0) != 0)
    budget_.expect(sure_trips(graph_, node_, body) * nodes_of(graph_, body), kNodeBytes, unrolled_);
  std::vector<std::vector<ValueId>> stacks(body.outputs.size() - 1 - carried);
  for (int64_t trip = 0; trip < limit && known(condition, "its condition").as_int64(0) != 0; ++trip) {
    require(trip < kMostTrips, ErrorCode::unsupported, "{}: it makes more than {} trips", node_.describe(),
            kMostTrips);
    std::vector<ValueId> inputs{graph_.add_constant("", Tensor::scalar(trip)), condition};
    inputs.insert(inputs.end(), state.begin(), state.end());
    const std::vector<ValueId> results = run_body(body, inputs, "/" + std::to_string(trip));
    condition = results[0];
    const auto split = results.begin() + 1 + static_cast<int64_t>(carried);
    state.assign(results.begin() + 1, split);
    for (size_t s = 0; s < stacks.size(); ++s) stacks[s].push_back(*(split + static_cast<int64_t>(s)));
  }
  for (size_t i = 0; i < carried; ++i) set(i, state[i]);
  for (size_t s = 0; s < stacks.size(); ++s) set_stacked(carried + s, std::move(stacks[s]), 0);
}

// (state..., x...) -> (state..., stacked...): x are taken apart along an axis, one slice for each trip.
void Unroller::run_scan() {
  const Body& body = body_attribute(node_, "body");
  const auto slices = static_cast<size_t>(int_attribute(node_, "num_scan_inputs", 0));
  require(slices > 0 && slices <= body.operands && body.outputs.size() + slices >= body.operands,
          ErrorCode::bad_file, "{}: {} scanned inputs of {}", node_.describe(), slices, body.operands);
  const size_t carried = body.operands - slices, stacked = body.outputs.size() - carried;
  const auto setting = [&](const char* name, size_t i) {
    const auto list = ints_attribute(node_, name);
    return i < list.size() ? list[i] : 0;
  };
  const auto wrapped = [&](int64_t axis, size_t rank) {
    return axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
  };
  std::vector<int64_t> axes;
  int64_t trips = -1;
  for (size_t i = 0; i < slices; ++i) {
    const Shape& shape = graph_[operand(carried + i, body)].shape.value();
    axes.push_back(wrapped(setting("scan_input_axes", i), shape.size()));
    require(axes[i] >= 0 && axes[i] < static_cast<int64_t>(shape.size()), ErrorCode::bad_file,
            "{}: axis {} of an input {}", node_.describe(), axes[i], to_string(shape));
    const int64_t extent = shape[static_cast<size_t>(axes[i])];
    require(trips < 0 || trips == extent, ErrorCode::bad_file, "{}: its inputs have {} and {} slices",
            node_.describe(), trips, extent);
    trips = extent;
  }
  require(trips <= kMostTrips, ErrorCode::unsupported, "{}: it makes {} trips; the most is {}",
          node_.describe(), trips, kMostTrips);
  budget_.expect(static_cast<double>(trips) * nodes_of(graph_, body), kNodeBytes, unrolled_);
  std::vector<ValueId> state;
  for (size_t i = 0; i < carried; ++i) state.push_back(operand(i, body));
  std::vector<std::vector<ValueId>> stacks(stacked);
  for (int64_t trip = 0; trip < trips; ++trip) {
    std::vector<ValueId> inputs = state;
    for (size_t i = 0; i < slices; ++i) {
      const int64_t at = setting("scan_input_directions", i) != 0 ? trips - 1 - trip : trip;
      const ValueId index = graph_.add_constant("", Tensor::scalar(at));
      inputs.push_back(add("Gather", {operand(carried + i, body), index}, {{"axis", axes[i]}}));
    }
    const std::vector<ValueId> results = run_body(body, inputs, "/" + std::to_string(trip));
    state.assign(results.begin(), results.begin() + static_cast<int64_t>(carried));
    for (size_t s = 0; s < stacked; ++s) stacks[s].push_back(results[carried + s]);
  }
  for (size_t i = 0; i < carried; ++i) set(i, state[i]);
  for (size_t s = 0; s < stacked; ++s) {
    if (setting("scan_output_directions", s) != 0) std::ranges::reverse(stacks[s]);
    const size_t rank = stacks[s].empty() ? 0 : graph_[stacks[s][0]].shape.value().size();
    set_stacked(carried + s, stacks[s], wrapped(setting("scan_output_axes", s), rank + 1));
  }
}

}  // namespace

bool is_control_flow(std::string_view domain, std::string_view op) {
  return domain.empty() && (op == "If" || op == "Loop" || op == "Scan");
}

void unroll(Graph& graph, const Node& node, const std::function<void(Node)>& settle, GrowthBudget& budget,
            const Observer* observer) {
  Unroller unroller(graph, node, settle, budget, observer);
  if (node.op == "If") return unroller.run_if();
  if (node.op == "Loop") return unroller.run_loop();
  unroller.run_scan();
}

}  // namespace onnxray
