#include "core/entry_origins.h"

#include <algorithm>
#include <utility>

namespace onnxray {

namespace {

using Kind = EntryOrigins::Kind;

EntryOrigin joined(const EntryOrigin& a, const EntryOrigin& b) {
  if (a.entry == EntryOrigin::kNone || a == b) return b;
  if (b.entry == EntryOrigin::kNone) return a;
  if (a.compared != b.compared) return a.compared ? b : a;
  return {EntryOrigin::kSeveral, a.compared};
}

EntryOrigin deciding(EntryOrigin a) {
  a.compared = a.entry != EntryOrigin::kNone;
  return a;
}

/// Visits the elements of `shape` in row-major order with their offset under `strides`.
template <class Visit>
void for_each_offset(const Shape& shape, const Strides& strides, int64_t start, Visit visit) {
  Shape at(shape.size(), 0);
  const int64_t count = element_count(shape);
  int64_t offset = start;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, offset);
    for (size_t axis = shape.size(); axis-- > 0;) {
      offset += strides[axis];
      if (++at[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      at[axis] = 0;
    }
  }
}

/// The strides that read `from` where numpy's rules broadcast it to `to`.
Strides broadcast_strides(const Shape& from, const Shape& to) {
  const Strides own = row_major_strides(from);
  Strides strides(to.size(), 0);
  const size_t lead = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

/// One step: an operator() per primitive. Those that only move elements, add them up or work on each alone
/// tell more than "several".
class OriginStep {
 public:
  OriginStep(const Program& program, const Step& step, std::span<const EntryOrigins* const> operands,
             const OriginOfProduct& of_product)
      : program_(program), step_(step), operands_(operands), of_product_(of_product) {}

  EntryOrigins operator()(const Elementwise& p) const {
    std::vector<std::vector<int64_t>> places;  // by operand: which of its elements, by element of the result
    for (size_t i = 0; i < step_.inputs.size(); ++i) places.push_back(places_in(i));
    EntryOrigins result = each(out());
    std::vector<EntryOrigin> results(p.expression.code.size());
    for (size_t e = 0; e < result.elements.size(); ++e) {
      const auto origin = [&](const Source& s) {
        if (s.kind == Source::Kind::immediate) return EntryOrigin{};
        const auto at = static_cast<size_t>(s.index);
        return s.kind == Source::Kind::result ? results[at] : operands_[at]->at(places[at][e]);
      };
      for (size_t i = 0; i < results.size(); ++i) results[i] = of_instruction(p.expression.code[i], origin);
      result.elements[e] = results[static_cast<size_t>(p.expression.results[0])];
    }
    return result;
  }
  EntryOrigins operator()(const Reshape&) const { return *operands_[0]; }
  EntryOrigins operator()(const Broadcast&) const {
    return moved(out(), broadcast_strides(shape(0), out()), 0);
  }
  EntryOrigins operator()(const Transpose& p) const {
    const Strides own = row_major_strides(shape(0));
    Strides strides;
    for (const int64_t axis : p.permutation) strides.push_back(own[static_cast<size_t>(axis)]);
    return moved(out(), strides, 0);
  }
  EntryOrigins operator()(const Slice& p) const {
    const auto [strides, start] = window(p.starts, p.steps, shape(0));
    return moved(out(), strides, start);
  }
  EntryOrigins operator()(const Place& p) const {
    EntryOrigins result = each(out());
    const auto [strides, start] = window(p.starts, p.steps, out());
    for_each_offset(shape(0), strides, start, [&](int64_t i, int64_t offset) {
      result.elements[static_cast<size_t>(offset)] = operands_[0]->at(i);
    });
    return result;
  }
  EntryOrigins operator()(const Concat& p) const {
    EntryOrigins result = each(out());
    const Strides strides = row_major_strides(out());
    const auto axis = static_cast<size_t>(p.axis);
    int64_t start = 0;
    for (size_t k = 0; k < step_.inputs.size(); ++k) {
      for_each_offset(shape(k), strides, start, [&](int64_t i, int64_t offset) {
        result.elements[static_cast<size_t>(offset)] = operands_[k]->at(i);
      });
      start += shape(k)[axis] * strides[axis];
    }
    return result;
  }
  EntryOrigins operator()(const Gather& p) const {
    const auto axis = static_cast<size_t>(p.axis);
    const int64_t inner = count_between(shape(0), axis + 1, shape(0).size()), extent = shape(0)[axis];
    const int64_t places = element_count(shape(1));
    const Tensor* index = constant(1);
    if (!index && operands_[0]->kind != Kind::none) return several();
    EntryOrigins result = each(out());
    for (int64_t i = 0; i < std::ssize(result.elements); ++i) {
      const int64_t place = i / inner % places;
      EntryOrigin origin = operands_[1]->at(place);
      if (index) {
        const int64_t chosen = wrapped(index->as_int64(place), extent);
        origin = joined(origin, operands_[0]->at((i / inner / places * extent + chosen) * inner + i % inner));
      }
      result.elements[static_cast<size_t>(i)] = origin;
    }
    return result;
  }
  EntryOrigins operator()(const GatherElements& p) const {
    const Tensor* index = constant(1);
    if (!index) return operands_[0]->kind == Kind::none ? *operands_[1] : several();
    EntryOrigins result = each(out());
    for_each_target(p.axis, shape(0), *index, [&](int64_t i, int64_t offset) {
      result.elements[static_cast<size_t>(i)] = operands_[0]->at(offset);
    });
    return result;
  }
  EntryOrigins operator()(const ScatterElements& p) const {
    const Tensor* index = constant(1);
    if (!index) return several();
    EntryOrigins result = each(out());
    for (int64_t i = 0; i < std::ssize(result.elements); ++i)
      result.elements[static_cast<size_t>(i)] = operands_[0]->at(i);
    for_each_target(p.axis, out(), *index, [&](int64_t i, int64_t offset) {
      EntryOrigin& place = result.elements[static_cast<size_t>(offset)];
      const bool replaces = p.kind == ScatterElements::Kind::replace;
      place = replaces ? operands_[2]->at(i) : joined(place, operands_[2]->at(i));
    });
    return result;
  }
  EntryOrigins operator()(const Reduce&) const {
    EntryOrigins result = each(out());
    for_each_offset(shape(0), broadcast_strides(out(), shape(0)), 0, [&](int64_t i, int64_t offset) {
      EntryOrigin& total = result.elements[static_cast<size_t>(offset)];
      total = joined(total, operands_[0]->at(i));
    });
    return result;
  }
  template <class P>
  EntryOrigins operator()(const P&) const {
    return several();
  }

 private:
  const Shape& shape(size_t i) const { return program_[step_.inputs[i]].shape; }
  const Shape& out() const { return program_[step_.outputs[0]].shape; }
  const Tensor* constant(size_t i) const {
    const Var v = step_.inputs[i];
    return program_.is_constant(v) ? &*program_[v].constant : nullptr;
  }
  static int64_t wrapped(int64_t index, int64_t extent) { return index < 0 ? index + extent : index; }

  static EntryOrigins each(const Shape& shape) {
    return {Kind::each, std::vector<EntryOrigin>(static_cast<size_t>(element_count(shape)))};
  }

  /// Nothing is known but whether a value goes in, or comparisons alone.
  EntryOrigins several() const {
    EntryOrigins result{Kind::several, {}, true};
    for (const EntryOrigins* o : operands_) {
      const bool value = std::ranges::any_of(
          o->elements, [](const EntryOrigin& e) { return e.entry != EntryOrigin::kNone && !e.compared; });
      if (value || (o->kind == Kind::several && !o->compared)) result.compared = false;
    }
    return result;
  }

  EntryOrigins moved(const Shape& shape, const Strides& strides, int64_t start) const {
    EntryOrigins result = each(shape);
    for_each_offset(shape, strides, start, [&](int64_t i, int64_t offset) {
      result.elements[static_cast<size_t>(i)] = operands_[0]->at(offset);
    });
    return result;
  }

  std::vector<int64_t> places_in(size_t operand) const {
    std::vector<int64_t> places(static_cast<size_t>(element_count(out())));
    for_each_offset(out(), broadcast_strides(shape(operand), out()), 0,
                    [&](int64_t i, int64_t offset) { places[static_cast<size_t>(i)] = offset; });
    return places;
  }

  static std::pair<Strides, int64_t> window(const std::vector<int64_t>& starts,
                                            const std::vector<int64_t>& steps, const Shape& whole) {
    const Strides own = row_major_strides(whole);
    Strides strides;
    int64_t start = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
      strides.push_back(own[i] * steps[i]);
      start += own[i] * starts[i];
    }
    return {strides, start};
  }

  /// Element i of `index` addresses the element of a tensor of `shape` that `visit` gets the offset of.
  template <class Visit>
  static void for_each_target(int64_t axis, const Shape& shape, const Tensor& index, Visit visit) {
    Strides strides = row_major_strides(shape);
    const auto a = static_cast<size_t>(axis);
    const int64_t step = std::exchange(strides[a], 0);
    for_each_offset(index.shape(), strides, 0, [&](int64_t i, int64_t offset) {
      visit(i, offset + step * wrapped(index.as_int64(i), shape[a]));
    });
  }

  template <class OriginOf>
  EntryOrigin of_instruction(const Instruction& i, OriginOf origin) const {
    const EntryOrigin a = origin(i.a), b = origin(i.b), c = origin(i.c);
    if (i.op == Opcode::select) return joined(joined(b, c), deciding(a));
    if (i.op == Opcode::mul && a.entry >= 0 && b.entry >= 0 && a.compared == b.compared)
      return {of_product_(a.entry, b.entry), a.compared};
    const EntryOrigin all = joined(joined(a, b), c);
    return yields_boolean(i.op) ? deciding(all) : all;
  }

  const Program& program_;
  const Step& step_;
  std::span<const EntryOrigins* const> operands_;
  const OriginOfProduct& of_product_;
};

}  // namespace

EntryOrigins origins_of_results(const Program& program, const Step& step,
                                std::span<const EntryOrigins* const> operands,
                                const OriginOfProduct& of_product) {
  const bool any = std::ranges::any_of(operands, [](const auto* o) { return o->kind != Kind::none; });
  if (!any) return {};
  return std::visit(OriginStep(program, step, operands, of_product), step.primitive);
}

}  // namespace onnxray
