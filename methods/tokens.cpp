#include "methods/tokens.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "core/fail.h"

namespace onnxray {

namespace {

enum class Count : uint8_t { sum, norm, dot };

/// A derivative of rows is a direction, the parts of which may cancel: before a LayerNormalization they do.
/// What is multiplied by the rows, or is a square already, adds up.
Count count_of(const MethodSpec& method) {
  using Family = MethodName::Family;
  const Modifiers& modifiers = method.name.modifiers;
  const Family family = method.name.family;
  const bool is_derivative = (family == Family::gradient || family == Family::guided_backprop ||
                              family == Family::deconvnet || family == Family::smoothgrad) &&
                             !modifiers.x_input && !modifiers.x_sign;
  const std::string text = method.string("tokens", is_derivative ? "norm" : "sum");
  if (text == "sum") return Count::sum;
  if (text == "norm") return Count::norm;
  require(text == "dot", ErrorCode::usage, "tokens={} of '{}': the choices are sum, norm and dot", text,
          method.text);
  return Count::dot;
}

/// |a| m with the largest entry m of each row taken out, so that squares neither overflow nor vanish.
Var norm_over(Builder& b, Var a, const std::vector<int64_t>& axes) {
  if (axes.empty()) return b.abs(a);
  const Var m = b.reduce(Reduce::Kind::max, b.abs(a), axes);
  const Var usable = b.mul(b.less(0.0, m), b.less(m, std::numeric_limits<double>::infinity()));
  const Var scale = b.select(usable, m, b.scalar(1, b.dtype(a)));
  const Var part = b.div(a, scale);
  return b.mul(scale, b.sqrt(b.sum(b.mul(part, part), axes)));
}

/// One number by row: [rows].
Var by_row(Builder& b, const ExplainedPart& part, Count count, Var a, Var rows) {
  std::vector<int64_t> width;
  for (int64_t axis = 0; axis < std::ssize(b.shape(a)); ++axis) {
    if (axis < part.row_axis || axis >= part.row_axis + part.row_rank) width.push_back(axis);
  }
  Var one = count == Count::dot ? b.mul(a, rows) : a;
  if (count == Count::norm)
    one = norm_over(b, a, width);
  else if (!width.empty())
    one = b.sum(one, width);
  return b.reshape(one, {std::ssize(part.entries)});
}

bool in_order(const std::vector<int64_t>& entries, int64_t count) {
  for (int64_t i = 0; i < std::ssize(entries); ++i) {
    if (entries[static_cast<size_t>(i)] != i) return false;
  }
  return std::ssize(entries) == count;
}

/// [rows] -> one number by entry, the sum over the rows that it chooses: [entries].
Var to_entries(Builder& b, Var rows, std::vector<int64_t> entries, int64_t count) {
  if (in_order(entries, count)) return rows;
  for (int64_t& entry : entries) {
    if (entry < 0) entry = count;  // a place more, for rows that none chooses
  }
  const Var index = b.constant(Tensor::of<int64_t>({std::ssize(entries)}, entries));
  return b.slice_axis(b.gather_adjoint(rows, index, 0, count + 1), 0, 0, count);
}

/// Whether no entry chooses more than one row.
bool chooses_once(const ExplainedInput& input) {
  std::vector<int64_t> all;
  for (const ExplainedPart& part : input.parts)
    std::ranges::copy_if(part.entries, std::back_inserter(all), [](int64_t entry) { return entry >= 0; });
  std::ranges::sort(all);
  return std::ranges::adjacent_find(all) == all.end();
}

}  // namespace

Var by_entry(const MethodSpec& method, const MethodContext& context, const ExplainedInput& input,
             std::span<const Var> attributions) {
  Builder& b = context.b;
  if (!input.holds_ids()) return attributions[input.parts[0].value];
  const Count count = count_of(method);
  const Shape shape = b.shape(context.var(input.input));
  const int64_t entries = element_count(shape);
  const bool joins_norms = count == Count::norm && !chooses_once(input);
  Var numbers, total;
  for (const ExplainedPart& part : input.parts) {
    const Var a = attributions[part.value];
    if (!part.is_rows) {
      numbers = where_moving(context, part.value, a, b.scalar(0, b.dtype(a)));
      continue;
    }
    Var rows = by_row(b, part, count, a, context.var(context.explained[part.value]));
    if (joins_norms) rows = b.mul(rows, rows);
    const Var own = to_entries(b, rows, part.entries, entries);
    total = total ? b.add(total, own) : own;
  }
  if (joins_norms) total = b.sqrt(total);
  total = b.reshape(total, shape);
  return numbers ? b.add(numbers, total) : total;
}

Var where_moving(const MethodContext& context, size_t i, Var v, Var still) {
  Builder& b = context.b;
  for (const ExplainedInput& input : context.inputs_explained) {
    if (input.is_number.size() == 0 || context.explained[i] != input.input) continue;
    const Var moves = b.constant(input.is_number.to(DType::boolean));
    return b.select(moves, v, still);
  }
  return v;
}

}  // namespace onnxray
