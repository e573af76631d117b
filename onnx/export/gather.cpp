#include <algorithm>

#include "onnx/export/translate.h"

namespace onnxray::exporting {

Values write_gather(const Gather& p, const Translation& t) {
  return {t.w.node("Gather", {t.in[0], t.w.cast(t.in[1], Kind::integer)}, t.in[0].kind, t.shapes[0],
                   {{"axis", p.axis}})};
}

/// As [before, places, behind]: one scatter along the middle.
Values write_gather_adjoint(const GatherAdjoint& p, const Translation& t) {
  Writer& w = t.w;
  const Shape& y = t.shapes[0];
  const auto axis = static_cast<size_t>(p.axis);
  const int64_t before = element_count({y.begin(), y.begin() + p.axis}),
                behind = element_count({y.begin() + static_cast<int64_t>(axis) + 1, y.end()}),
                places = element_count(t.in[1].shape);
  const Value zeros = w.expand(w.scalar(0, t.in[0].kind), {before, p.extent, behind});
  const Value index =
      w.expand(w.reshape(w.cast(t.in[1], Kind::integer), {1, places, 1}), {before, places, behind});
  const Value sums = w.node("ScatterElements", {zeros, index, w.reshape(t.in[0], index.shape)}, t.in[0].kind,
                            zeros.shape, {{"axis", int64_t{1}}, {"reduction", std::string("add")}});
  return {w.reshape(sums, y)};
}

// sum over the last axis of stride * (index + extent where index < 0)
Values write_ravel_index(const RavelIndex& p, const Translation& t) {
  Writer& w = t.w;
  const Value index = w.cast(t.in[0], Kind::integer);
  const int64_t last = std::ssize(index.shape) - 1;
  const auto whole = [&](const std::string& op, const Values& in) {
    return w.node(op, in, Kind::integer, index.shape);
  };
  const Value negative = w.node("Less", {index, w.scalar(0, Kind::integer)}, Kind::boolean, index.shape);
  const Value wrapped = whole("Where", {negative, whole("Add", {index, w.ints(p.extents)}), index});
  const Value terms = whole("Mul", {wrapped, w.ints(row_major_strides(p.extents))});
  return {
      w.node("ReduceSum", {terms, w.ints({last})}, Kind::integer, t.shapes[0], {{"keepdims", int64_t{0}}})};
}

Values write_gather_elements(const GatherElements& p, const Translation& t) {
  return {t.w.node("GatherElements", {t.in[0], t.w.cast(t.in[1], Kind::integer)}, t.in[0].kind, t.shapes[0],
                   {{"axis", p.axis}})};
}

Values write_scatter_elements(const ScatterElements& p, const Translation& t) {
  static constexpr const char* kReductions[] = {"none", "add", "mul", "min", "max"};
  const Kind kind = t.in[0].kind;
  return {t.w.node("ScatterElements", {t.in[0], t.w.cast(t.in[1], Kind::integer), t.w.cast(t.in[2], kind)},
                   kind, t.shapes[0],
                   {{"axis", p.axis}, {"reduction", std::string(kReductions[static_cast<size_t>(p.kind)])}})};
}

namespace {

/// The table as a matrix [in, out].
Tensor as_matrix(const AxisTable& table) {
  std::vector<double> matrix(static_cast<size_t>(table.in * table.out), 0.0);
  for (int64_t o = 0; o < table.out; ++o) {
    for (int64_t k = table.offsets[static_cast<size_t>(o)]; k < table.offsets[static_cast<size_t>(o) + 1];
         ++k)
      matrix[static_cast<size_t>(table.index[static_cast<size_t>(k)] * table.out + o)] +=
          table.weight[static_cast<size_t>(k)];
  }
  return Tensor::of<double>({table.in, table.out}, matrix);
}

/// Whether every place copies exactly one: nearest interpolation, edge and reflect padding.
bool copies(const AxisTable& table) {
  return std::ssize(table.index) == table.out &&
         std::ranges::all_of(table.weight, [](double w) { return w == 1; }) &&
         std::ranges::adjacent_find(table.offsets, [](int64_t a, int64_t b) { return b != a + 1; }) ==
             table.offsets.end();
}

}  // namespace

Values write_axis_map(const AxisMap& p, const Translation& t) {
  Writer& w = t.w;
  const Value& x = t.in[0];
  if (copies(*p.table))
    return {w.node("Gather", {x, w.ints(p.table->index)}, x.kind, t.shapes[0], {{"axis", p.axis}})};
  // The axis changes places with the last one.
  std::vector<int64_t> permutation(x.shape.size());
  for (size_t i = 0; i < permutation.size(); ++i) permutation[i] = static_cast<int64_t>(i);
  std::swap(permutation[static_cast<size_t>(p.axis)], permutation.back());
  const Value rows = w.transpose(w.cast(x, Kind::real), permutation);
  Shape shape = rows.shape;
  shape.back() = p.table->out;
  const Value y = w.node("MatMul", {rows, w.constant(as_matrix(*p.table), Kind::real)}, Kind::real, shape);
  return {w.transpose(y, permutation)};
}

}  // namespace onnxray::exporting
