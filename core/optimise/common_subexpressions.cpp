#include <cstring>
#include <map>
#include <tuple>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// Small constants are compared by content, large ones by whether they share memory.
bool same_constant(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.bytes() == b.bytes()) return true;
  return a.byte_size() <= 64 && std::memcmp(a.bytes(), b.bytes(), static_cast<size_t>(a.byte_size())) == 0;
}

class Eliminator {
 public:
  explicit Eliminator(Program& program) : program_(program), same_as_(program.variables.size()) {
    for (size_t v = 0; v < same_as_.size(); ++v) same_as_[v] = Var{static_cast<int32_t>(v)};
  }

  void run() {
    merge_constants();
    std::vector<Step> kept;
    for (Step& step : program_.steps) {
      for (Var& v : step.inputs) v = representative(v);
      if (const Step* twin = find_twin(kept, step)) {
        for (size_t i = 0; i < step.outputs.size(); ++i)
          same_as_[static_cast<size_t>(step.outputs[i].id)] = twin->outputs[i];
        continue;
      }
      seen_[key(step)].push_back(kept.size());
      kept.push_back(std::move(step));
    }
    program_.steps = std::move(kept);
    for (NamedVar& output : program_.outputs) output.var = representative(output.var);
    for (LoopVariable& carried : program_.loop) {
      carried.initial = representative(carried.initial);
      carried.next = representative(carried.next);
    }
  }

 private:
  using Key = std::tuple<std::string_view, std::vector<int32_t>>;

  Var representative(Var v) const { return same_as_[static_cast<size_t>(v.id)]; }

  void merge_constants() {
    std::map<std::tuple<DType, DType, Shape>, std::vector<Var>> groups;  // declared type, held type, shape
    for (size_t v = 0; v < program_.variables.size(); ++v) {
      const auto& constant = program_.variables[v].constant;
      if (!constant) continue;
      auto& group = groups[{program_.variables[v].dtype, constant->dtype(), constant->shape()}];
      for (const Var other : group) {
        if (same_constant(*constant, *program_[other].constant)) same_as_[v] = other;
      }
      if (same_as_[v].id == static_cast<int32_t>(v)) group.push_back(same_as_[v]);
    }
  }

  static Key key(const Step& step) {
    std::vector<int32_t> ids;
    for (const Var v : step.inputs) ids.push_back(v.id);
    return {name_of(step.primitive), std::move(ids)};
  }

  const Step* find_twin(const std::vector<Step>& kept, const Step& step) {
    const auto it = seen_.find(key(step));
    if (it == seen_.end()) return nullptr;
    for (const size_t i : it->second) {
      const Step& other = kept[i];
      const bool in_reach = other.block == step.block || other.block == Block::once;
      const Variable &a = program_[other.outputs[0]], &b = program_[step.outputs[0]];
      if (in_reach && other.primitive == step.primitive && a.shape == b.shape && a.dtype == b.dtype)
        return &other;
    }
    return nullptr;
  }

  Program& program_;
  std::vector<Var> same_as_;
  std::map<Key, std::vector<size_t>> seen_;
};

}  // namespace

void eliminate_common_subexpressions(Program& program) { Eliminator(program).run(); }

}  // namespace onnxray
