#include "backward/reverse.h"

#include <algorithm>

#include "backward/finiteness.h"
#include "backward/vjp.h"

namespace onnxray {

ReverseWalk::ReverseWalk(const Graph& graph, const Forward& forward, Builder& builder, RulePicker rules)
    : graph_(graph), forward_(forward), b_(builder), rules_(std::move(rules)) {}

void ReverseWalk::seed(Var v, Var cotangent) {
  const auto [it, is_first] = cotangents_.try_emplace(v.id, cotangent);
  if (!is_first) it->second = b_.add(it->second, cotangent);
}

Var ReverseWalk::peek(Var v) const {
  const auto it = cotangents_.find(v.id);
  return it == cotangents_.end() ? Var{} : it->second;
}

Var ReverseWalk::take(Var v) {
  const auto it = cotangents_.find(v.id);
  if (it == cotangents_.end()) return {};
  const Var cotangent = it->second;
  cotangents_.erase(it);
  if (const auto arrived = arrived_.find(v.id); arrived != arrived_.end()) arrived->second = cotangent;
  return cotangent;
}

std::vector<Var> ReverseWalk::run(std::span<const Var> wrt) {
  find_needed(wrt);
  infinite_ = infinite_variables(b_.program());
  for (const Var v : wrt) arrived_[v.id] = {};
  for (auto n = static_cast<int32_t>(graph_.nodes.size()); n-- > 0;) walk_node(n);
  std::vector<Var> result;
  for (const Var v : wrt) result.push_back(peek(v) ? peek(v) : arrived_[v.id]);
  return result;
}

void ReverseWalk::find_needed(std::span<const Var> wrt) {
  const Program& program = b_.program();
  needed_.assign(program.variables.size(), false);
  for (const Var v : wrt) needed_[static_cast<size_t>(v.id)] = true;
  for (const Step& step : program.steps) {
    if (std::ranges::none_of(step.inputs, [&](Var v) { return needed(v); })) continue;
    for (const Var v : step.outputs) {
      if (is_floating(program[v].dtype)) needed_[static_cast<size_t>(v.id)] = true;
    }
  }
}

void ReverseWalk::walk_node(int32_t index) {
  const Node& node = graph_.nodes[static_cast<size_t>(index)];
  std::vector<Var> arrived;
  bool any = false;
  for (const ValueId id : node.outputs) {
    const Var v = id == kNoValue ? Var{} : forward_.vars[static_cast<size_t>(id)];
    arrived.push_back(v && needed(v) ? peek(v) : Var{});
    any |= static_cast<bool>(arrived.back());
  }
  if (!any) return;
  if (on_node) on_node(index, arrived);
  b_.set_origin(index, node.origin.names.empty() ? node.op : node.origin.names.front());
  const auto wanted = [&](ValueId id) {
    return id != kNoValue && needed(forward_.vars[static_cast<size_t>(id)]);
  };
  const Rule* rule = rules_ ? rules_(index) : nullptr;
  if (std::ranges::any_of(node.inputs, wanted)) {
    const OpDef* op = forward_.ops->find(node.domain, node.op);
    if (rule || (op && op->straight_through)) {
      ledger_ = {};
      NodeContext context(*this, index);
      if (rule)
        rule->emit(context);
      else if (context.wants(0))
        context.send(0, context.cotangent());
      if (rule && on_ledger) on_ledger(index, ledger_);
    } else {
      walk_steps(forward_.node_steps[static_cast<size_t>(index)]);
    }
  }
  b_.set_origin(-1, {});
}

void ReverseWalk::walk_steps(Forward::Range range) {
  for (size_t i = range.last; i-- > range.first;) {
    const Step step = b_.program().steps[i];
    std::vector<Var> cotangents;
    for (const Var v : step.outputs) cotangents.push_back(needed(v) ? take(v) : Var{});
    emit_vjp({b_, step, std::move(cotangents), [this](Var v) { return needed(v); },
              [this](Var v, Var share) { seed(v, share); }, [this](Var v) { return may_be_infinite(v); }});
  }
}

NodeContext::NodeContext(ReverseWalk& walk, int32_t n)
    : node(walk.graph_.nodes[static_cast<size_t>(n)]),
      b(walk.b_),
      index(n),
      walk_(walk),
      taken_(node.outputs.size()) {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (const Var v = output(i)) taken_[i] = walk_.take(v);
  }
}

const OpDef& NodeContext::op() const { return *walk_.forward_.ops->find(node.domain, node.op); }

std::optional<SampleAxis> NodeContext::samples_of(ValueId id) const {
  return walk_.samples ? walk_.samples->of(id) : SampleAxis{};
}

std::optional<SampleAxis> NodeContext::samples_of_input(size_t i) const { return samples_of(node.inputs[i]); }
std::optional<SampleAxis> NodeContext::samples_of_output() const { return samples_of(node.outputs[0]); }

Var NodeContext::input(size_t i) const {
  if (i >= node.inputs.size() || node.inputs[i] == kNoValue) return {};
  return walk_.forward_.vars[static_cast<size_t>(node.inputs[i])];
}

Var NodeContext::output(size_t i) const {
  if (i >= node.outputs.size() || node.outputs[i] == kNoValue) return {};
  return walk_.forward_.vars[static_cast<size_t>(node.outputs[i])];
}

SignFact NodeContext::sign(size_t i) const { return walk_.graph_[node.inputs[i]].sign; }

Ledger* NodeContext::ledger() const { return walk_.on_ledger ? &walk_.ledger_ : nullptr; }

bool NodeContext::wants(size_t i) const {
  const Var v = input(i);
  return v && walk_.needed(v);
}

bool NodeContext::may_be_infinite(Var v) const { return walk_.may_be_infinite(v); }

void NodeContext::send(size_t i, Var share) {
  if (!share) return;
  if (Ledger* books = ledger()) {
    const Var total = b.reshape(b.sum(share, {}), {1});
    books->sent = books->sent ? b.add(books->sent, total) : total;
  }
  walk_.seed(input(i), share);
}

NodeContext::Replay NodeContext::replay(std::span<const Substitute> substitutes,
                                        const Attributes& attributes) const {
  Replay copy;
  Node other = node;
  for (const auto& [name, value] : attributes) other.attributes[name] = value;
  for (size_t i = 0; i < node.inputs.size(); ++i) copy.inputs.push_back(input(i));
  for (const Substitute& s : substitutes) {
    if (s.input < copy.inputs.size()) copy.inputs[s.input] = s.with;
  }
  // Lowered anew: an operator may have worked on its constants while it was lowered, without a step to
  // replay.
  const size_t first = b.program().steps.size();
  copy.output = lower_node(*walk_.forward_.ops, other, b, copy.inputs)[0];
  const auto& steps = b.program().steps;
  copy.steps.assign(steps.begin() + static_cast<int64_t>(first), steps.end());
  return copy;
}

Var NodeContext::forward(std::span<const Substitute> substitutes, const Attributes& attributes) const {
  return replay(substitutes, attributes).output;
}

std::vector<Var> NodeContext::adjoint(Var s, std::span<const Substitute> substitutes) const {
  // Without substitutes the forward steps themselves serve; a step lowered anew that the VJP does not read is
  // dead code.
  Replay copy;
  if (substitutes.empty()) {
    const auto [first, last] = walk_.forward_.node_steps[static_cast<size_t>(index)];
    const auto& steps = b.program().steps;
    copy.steps.assign(steps.begin() + static_cast<int64_t>(first),
                      steps.begin() + static_cast<int64_t>(last));
    copy.output = output();
    for (size_t i = 0; i < node.inputs.size(); ++i) copy.inputs.push_back(input(i));
  } else {
    copy = replay(substitutes);
  }
  std::map<int32_t, Var> cotangents{{copy.output.id, s}};
  std::vector<bool> reached(b.program().variables.size(), false);
  for (size_t i = 0; i < copy.inputs.size(); ++i) {
    // A substitute may leave an operand out.
    if (wants(i) && copy.inputs[i]) reached[static_cast<size_t>(copy.inputs[i].id)] = true;
  }
  for (const Step& step : copy.steps) {
    const bool depends =
        std::ranges::any_of(step.inputs, [&](Var v) { return reached[static_cast<size_t>(v.id)]; });
    for (const Var v : step.outputs) reached[static_cast<size_t>(v.id)] = depends && is_floating(b.dtype(v));
  }
  for (size_t i = copy.steps.size(); i-- > 0;) {
    const Step& step = copy.steps[i];
    std::vector<Var> arrived;
    for (const Var v : step.outputs) arrived.push_back(cotangents.contains(v.id) ? cotangents[v.id] : Var{});
    const auto add = [&](Var v, Var share) {
      const auto [it, is_first] = cotangents.try_emplace(v.id, share);
      if (!is_first) it->second = b.add(it->second, share);
    };
    emit_vjp({b, step, std::move(arrived),
              [&](Var v) { return static_cast<bool>(reached[static_cast<size_t>(v.id)]); }, add,
              [&](Var v) { return walk_.may_be_infinite(v); }});
  }
  std::vector<Var> shares;
  for (size_t i = 0; i < copy.inputs.size(); ++i) {
    Var& total = cotangents[copy.inputs[i].id];
    shares.push_back(wants(i) ? total : Var{});
    total = {};  // x + x: the first of two equal operands gets the sum
  }
  return shares;
}

}  // namespace onnxray
