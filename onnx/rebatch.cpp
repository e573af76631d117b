#include "onnx/rebatch.h"

#include <algorithm>
#include <utility>

#include "core/fail.h"
#include "core/sample_axis.h"
#include "ops/lower_graph.h"

namespace onnxray {

namespace {

constexpr int64_t kOpset = 21;  ///< of the nodes written here

/// Where a value holds the samples; unset where all samples share it.
using Batched = std::optional<SampleAxis>;

size_t place(const SampleAxis& samples) { return static_cast<size_t>(samples.axis); }

class Rebatch {
 public:
  Rebatch(Graph& graph, int64_t samples, const OpRegistry& ops)
      : graph_(graph), samples_(samples), ops_(ops), batched_(graph.values.size()) {}

  void run(const std::map<ValueId, size_t>& axes);

 private:
  void open_inputs(const std::map<ValueId, size_t>& axes);
  void settle(Node node);
  void rewrite(Node& node);
  bool drops(const Node& squeeze, int64_t axis) const;
  void reshape_to(Node& node, const Shape& shape);
  void expand_to(Node& node);
  void share_operands(Node& node);
  void resize_to(Node& node);
  void infer(const Node& node);
  void check_outputs() const;

  Batched& at(ValueId id) { return batched_[static_cast<size_t>(id)]; }
  bool is_batched(ValueId id) const {
    return id != kNoValue && batched_[static_cast<size_t>(id)].has_value();
  }
  const Shape& shape(ValueId id) const { return *graph_[id].shape; }
  ValueId ints(const Shape& values) {
    const auto n = static_cast<int64_t>(values.size());
    const ValueId id = graph_.add_constant("", Tensor::of<int64_t>({n}, values));
    graph_[id].dtype = DType::i64;
    graph_[id].shape = Shape{n};
    batched_.emplace_back();
    return id;
  }
  Shape with_samples(Shape one, int64_t before, int64_t following) const;

  Graph& graph_;
  int64_t samples_;
  const OpRegistry& ops_;
  std::vector<Batched> batched_;  // by value
};

void Rebatch::run(const std::map<ValueId, size_t>& axes) {
  open_inputs(axes);
  for (Node& node : std::exchange(graph_.nodes, {})) settle(std::move(node));
  check_outputs();
}

void Rebatch::open_inputs(const std::map<ValueId, size_t>& axes) {
  for (InputInfo& input : graph_.inputs) {
    const auto it = axes.find(input.value);
    if (it == axes.end()) continue;
    (*graph_[input.value].shape)[it->second] = samples_;
    if (it->second < input.extents.size()) input.extents[it->second] = samples_;
    at(input.value) = SampleAxis{static_cast<int64_t>(it->second)};
  }
}

void Rebatch::settle(Node node) {
  const std::string name = node.describe();
  try {
    if (std::ranges::any_of(node.inputs, [&](ValueId id) { return is_batched(id); })) {
      rewrite(node);
      infer(node);
    }
  } catch (const Error& error) {
    // Lowering says which node it was.
    const std::string why = error.what();
    throw OneSampleOnly(why.starts_with(name) ? why : name + ": " + why);
  }
  graph_.nodes.push_back(std::move(node));
}

/// Whether a Squeeze takes an axis away: it names it, or none.
bool Rebatch::drops(const Node& squeeze, int64_t axis) const {
  const Tensor* given = squeeze.inputs.size() > 1 ? graph_.constant(squeeze.inputs[1]) : nullptr;
  const std::vector<int64_t> named = given ? given->to_int64s() : ints_attribute(squeeze, "axes");
  const auto rank = static_cast<int64_t>(shape(squeeze.inputs[0]).size());
  const auto is_it = [&](int64_t a) { return (a < 0 ? a + rank : a) == axis; };
  return named.empty() || std::ranges::any_of(named, is_it);
}

/// Nodes whose constants say how large a batch is.
void Rebatch::rewrite(Node& node) {
  if (!node.domain.empty() || !is_batched(node.inputs[0])) {
    if (node.domain.empty() && node.op == "Concat") share_operands(node);
    return;
  }
  const SampleAxis x = *at(node.inputs[0]);
  if (node.op == "Reshape" || node.op == "Flatten" || (node.op == "Squeeze" && drops(node, x.axis))) {
    reshape_to(node, shape(node.outputs[0]));
  } else if (node.op == "Gather") {
    // The only sample of a batch: without its axis it is that sample still.
    const Tensor* index = graph_.constant(node.inputs[1]);
    const auto rank = static_cast<int64_t>(shape(node.inputs[0]).size());
    const int64_t axis = int_attribute(node, "axis", 0);
    const bool takes_it = (axis < 0 ? axis + rank : axis) == x.axis;
    if (takes_it && index && index->size() == 1 && x.outer * x.inner == 1)
      reshape_to(node, shape(node.outputs[0]));
  } else if (node.op == "Expand") {
    expand_to(node);
  } else if (node.op == "Concat") {
    share_operands(node);
  } else if (node.op == "Resize" || node.op == "Upsample") {
    resize_to(node);
  }
}

/// The shape of one sample's tensor, for all of them: `before` of its elements stand in front of each sample,
/// and there an axis of extent `following` came next. An axis of extent 1 right there becomes the batch. Else
/// the samples join the axis that begins there, as in [T,1,C] -> [T,heads,C/heads], or, where what came next
/// stays whole, the axis that ends there, as in [T,1,C] -> [T,C] and [T,1,heads,C/heads] -> [T,C].
Shape Rebatch::with_samples(Shape one, int64_t before, int64_t following) const {
  std::optional<size_t> begins, ends;
  int64_t in_front = 1;
  for (size_t k = 0; k < one.size() && in_front > 0 && before % in_front == 0 && in_front <= before; ++k) {
    const int64_t outer = before / in_front;
    if (outer == 1 && one[k] == 1) {
      one[k] = samples_;
      return one;
    }
    if (outer == 1)
      begins = k;
    else if (!ends && one[k] > 0 && one[k] % outer == 0)
      ends = k;
    in_front *= one[k];
  }
  if (!begins && !ends) throw OneSampleOnly("the samples would not lie along one axis of its result");
  const bool stays_whole = begins && ends && one[*begins] >= following;
  one[begins && !stays_whole ? *begins : *ends] *= samples_;
  return one;
}

void Rebatch::reshape_to(Node& node, const Shape& one) {
  const SampleAxis x = *at(node.inputs[0]);
  const Shape& from = shape(node.inputs[0]);
  const int64_t before = count_between(from, 0, place(x)) * x.outer;
  const int64_t following = x.inner > 1 || place(x) + 1 == from.size() ? x.inner : from[place(x) + 1];
  node.op = "Reshape";
  node.opset = kOpset;
  node.attributes = {{"allowzero", int64_t{1}}};
  node.inputs = {node.inputs[0], ints(with_samples(one, before, following))};
}

void Rebatch::expand_to(Node& node) {
  Shape wanted = shape(node.outputs[0]);
  const SampleAxis x = *at(node.inputs[0]);
  wanted[place(x) + wanted.size() - shape(node.inputs[0]).size()] *= samples_;
  node.inputs[1] = ints(wanted);
}

/// What all samples share is joined to each: a class token.
void Rebatch::share_operands(Node& node) {
  const auto first = std::ranges::find_if(node.inputs, [&](ValueId id) { return is_batched(id); });
  const SampleAxis batch = *at(*first);
  if (batch.outer * batch.inner != 1) return;
  for (ValueId& id : node.inputs) {
    if (is_batched(id) || shape(id).size() != shape(*first).size() || shape(id)[place(batch)] != 1) continue;
    Shape wanted = shape(id);
    wanted[place(batch)] = samples_;
    Node expand{.op = "Expand",
                .opset = kOpset,
                .domain = {},
                .attributes = {},
                .inputs = {id, ints(wanted)},
                .outputs = {graph_.add_value("")},
                .origin = node.origin};
    Value& value = graph_[expand.outputs[0]];
    value.dtype = graph_[id].dtype;
    value.sign = graph_[id].sign;
    value.shape = wanted;
    batched_.emplace_back(batch);
    id = expand.outputs[0];
    graph_.nodes.push_back(std::move(expand));
  }
}

void Rebatch::resize_to(Node& node) {
  if (node.inputs.size() < 4 || node.inputs[3] == kNoValue || has_attribute(node, "axes")) return;
  Shape sizes = shape(node.outputs[0]);
  sizes[place(*at(node.inputs[0]))] *= samples_;
  node.inputs[3] = ints(sizes);
}

/// New shapes, and where the samples lie in them.
void Rebatch::infer(const Node& node) {
  Program program;
  Builder builder(program);
  std::vector<Var> inputs;
  std::vector<std::pair<Var, SampleAxis>> batched;
  for (const ValueId id : node.inputs) {
    inputs.push_back(operand_of(builder, graph_, id));
    if (is_batched(id)) batched.emplace_back(inputs.back(), *at(id));
  }
  const std::vector<Var> outputs = lower_node(ops_, node, builder, std::move(inputs));
  const SampleAxes axes(program, batched, samples_);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    if (axes.meet_in(outputs[i]))
      throw OneSampleOnly("it would compute with several samples of a batch at once");
    const Batched found = axes.of(outputs[i]);
    Shape expected = shape(node.outputs[i]);
    if (found && place(*found) < expected.size()) expected[place(*found)] *= samples_;
    const Shape& given = program[outputs[i]].shape;
    require(given == expected, ErrorCode::unsupported, "its result would have the shape {}, not {}",
            to_string(given), to_string(expected));
    graph_[node.outputs[i]].shape = given;
    at(node.outputs[i]) = found;
  }
}

void Rebatch::check_outputs() const {
  for (const ValueId id : graph_.outputs) {
    const Batched& batched = batched_[static_cast<size_t>(id)];
    if (batched && batched->outer * batched->inner != 1)
      throw OneSampleOnly(fmt::format("output '{}' has no axis for the batch", graph_[id].name));
  }
}

}  // namespace

void rebatch(Graph& graph, const std::map<ValueId, size_t>& axes, int64_t samples, const OpRegistry& ops) {
  Rebatch(graph, samples, ops).run(axes);
}

}  // namespace onnxray
