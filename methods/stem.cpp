#include "methods/stem.h"

#include <algorithm>

#include "core/cost.h"
#include "rules/classify.h"

namespace onnxray {

namespace {

/// Below this many flops per result the layer costs a CPU less than the traffic of reading S(x0) and S(x) and
/// of carrying a sum of the results' size: some five passes over memory, at about 20 flops per number moved.
/// A 7x7 convolution of three channels has 294 flops per result, a 3x3 one 54.
constexpr double kWorthwhile = 128;

/// Whether a step of one instruction is affine in its operands that depend on the explained values.
class IsAffine {
 public:
  IsAffine(const Step& step, const std::vector<bool>& depends) : step_(step), depends_(depends) {}

  bool operator()(const Elementwise& p) const {
    if (p.expression.code.size() != 1) return false;
    const Instruction& i = p.expression.code[0];
    switch (i.op) {
      case Opcode::copy:
      case Opcode::neg:
      case Opcode::add:
      case Opcode::sub: return true;
      case Opcode::mul: return !(moves(i.a) && moves(i.b));
      case Opcode::div: return !moves(i.b);
      default: return false;
    }
  }
  bool operator()(const Convolution&) const { return only_first(); }
  bool operator()(const ConvolutionInput&) const { return only_first(); }
  bool operator()(const MatMul&) const { return !(depends(0) && depends(1)); }
  bool operator()(const Reduce& p) const { return p.kind == Reduce::Kind::sum; }
  bool operator()(const CumSum&) const { return true; }
  bool operator()(const SumPool&) const { return true; }
  bool operator()(const SumPoolInput&) const { return true; }
  bool operator()(const AxisMap&) const { return true; }
  bool operator()(const Gather&) const { return only_first(); }
  template <class P>
  bool operator()(const P&) const {
    return false;
  }

 private:
  bool depends(size_t i) const { return depends_[static_cast<size_t>(step_.inputs[i].id)]; }
  bool moves(const Source& s) const {
    return s.kind == Source::Kind::input && depends(static_cast<size_t>(s.index));
  }
  bool only_first() const {
    for (size_t i = 1; i < step_.inputs.size(); ++i) {
      if (depends(i)) return false;
    }
    return true;
  }

  const Step& step_;
  const std::vector<bool>& depends_;
};

class StemFinder {
 public:
  explicit StemFinder(const MethodContext& context)
      : context_(context),
        program_(context.b.program()),
        depends_(program_.variables.size(), false),
        affine_(program_.variables.size(), false),
        dependent_(context.graph.values.size(), false),
        behind_(context.graph.values.size(), false) {}

  std::vector<ValueId> run() {
    follow_steps();
    for (size_t id = 0; id < dependent_.size(); ++id) {
      const Var v = context_.forward.vars[id];
      dependent_[id] = v && depends_[index(v)];
    }
    for (size_t n = 0; n < context_.graph.nodes.size(); ++n) {
      if (!visit(n)) return {};
    }
    const bool pays = entries_ > 0 && flops_ >= kWorthwhile * entries_;
    return pays && behind_[static_cast<size_t>(context_.logits_value)] ? stem_ : std::vector<ValueId>{};
  }

 private:
  static size_t index(Var v) { return static_cast<size_t>(v.id); }
  bool dependent(ValueId id) const { return id != kNoValue && dependent_[static_cast<size_t>(id)]; }
  bool is_affine(ValueId id) const { return affine_[index(context_.var(id))]; }
  bool is_behind(ValueId id) const { return behind_[static_cast<size_t>(id)]; }

  void follow_steps() {
    for (const Var v : context_.explained_vars()) depends_[index(v)] = affine_[index(v)] = true;
    for (const auto& [first, last] : context_.forward.node_steps) {
      for (size_t i = first; i < last; ++i) follow(program_.steps[i]);
    }
  }

  void follow(const Step& step) {
    const auto depends = [&](Var v) { return static_cast<bool>(depends_[index(v)]); };
    if (std::ranges::none_of(step.inputs, depends)) return;
    const bool of_affine =
        std::ranges::all_of(step.inputs, [&](Var v) { return !depends(v) || affine_[index(v)]; });
    const bool affine =
        of_affine && (only_moves(step.primitive) || std::visit(IsAffine(step, depends_), step.primitive));
    for (const Var v : step.outputs) {
      if (affine_[index(v)]) continue;  // an explained inner value starts anew
      depends_[index(v)] = true;
      affine_[index(v)] = affine && is_floating(program_[v].dtype);
    }
  }

  /// False where something other than the stem sees what lies before it.
  bool visit(size_t n) {
    const Node& node = context_.graph.nodes[n];
    const auto sees = [&](ValueId id) { return dependent(id); };
    const auto before = [&](ValueId id) { return dependent(id) && !is_behind(id); };
    if (std::ranges::none_of(node.inputs, sees)) return true;
    const bool any_before = std::ranges::any_of(node.inputs, before);
    const bool all_before =
        std::ranges::all_of(node.inputs, [&](ValueId id) { return !sees(id) || before(id); });
    if (any_before && !all_before) return false;
    const bool affine =
        std::ranges::all_of(node.outputs, [&](ValueId id) { return id == kNoValue || is_affine(id); });
    if (any_before && !affine) return false;
    const bool linear = any_before &&
                        classify(context_.graph, node, context_.ops, dependent_) == RelevanceClass::linear &&
                        node.outputs.size() == 1;
    if (linear) add(n);
    for (const ValueId id : node.outputs) {
      if (id != kNoValue && (linear || !any_before)) behind_[static_cast<size_t>(id)] = true;
    }
    return true;
  }

  void add(size_t n) {
    stem_.push_back(context_.graph.nodes[n].outputs[0]);
    entries_ += static_cast<double>(element_count(program_[context_.var(stem_.back())].shape));
    const auto [first, last] = context_.forward.node_steps[n];
    for (size_t i = first; i < last; ++i) flops_ += cost_of(program_, program_.steps[i], {}).flops;
  }

  const MethodContext& context_;
  const Program& program_;
  std::vector<bool> depends_, affine_;    // by variable: on the explained values; and affinely
  std::vector<bool> dependent_, behind_;  // by value: on the explained ones; on those through the stem alone
  std::vector<ValueId> stem_;
  double flops_ = 0, entries_ = 0;
};

}  // namespace

std::vector<ValueId> find_stem(const MethodContext& context) { return StemFinder(context).run(); }

std::vector<Var> stem_adjoint(const MethodContext& context, std::span<const ValueId> stem,
                              std::span<const Var> arrived) {
  ReverseWalk walk(context.graph, context.forward, context.b, {});
  for (size_t i = 0; i < stem.size(); ++i) walk.seed(context.var(stem[i]), arrived[i]);
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
