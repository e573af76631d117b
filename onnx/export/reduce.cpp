#include "onnx/export/translate.h"

namespace onnxray::exporting {

Values write_reduce(const Reduce& p, const Translation& t) {
  static constexpr const char* kOps[] = {"ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"};
  // Booleans are reduced as 0 and 1.
  const Value x = t.in[0].kind == Kind::boolean ? t.w.cast(t.in[0], Kind::integer) : t.in[0];
  if (p.axes.empty()) return {x};
  return {t.w.node(kOps[static_cast<size_t>(p.kind)], {x, t.w.ints(p.axes)}, x.kind, t.shapes[0],
                   {{"keepdims", int64_t{1}}})};
}

Values write_arg_reduce(const ArgReduce& p, const Translation& t) {
  const Value x = t.in[0].kind == Kind::boolean ? t.w.cast(t.in[0], Kind::integer) : t.in[0];
  return {
      t.w.node(p.largest ? "ArgMax" : "ArgMin", {x}, Kind::integer, t.shapes[0],
               {{"axis", p.axis}, {"keepdims", int64_t{1}}, {"select_last_index", int64_t{p.last_on_ties}}})};
}

Values write_top_k(const TopK& p, const Translation& t) {
  Writer& w = t.w;
  const Value x = t.in[0].kind == Kind::boolean ? w.cast(t.in[0], Kind::integer) : t.in[0];
  const Value values{.name = w.fresh_name(), .kind = x.kind, .shape = t.shapes[0]},
      indices{.name = w.fresh_name(), .kind = Kind::integer, .shape = t.shapes[0]};
  return {w.nodes("TopK", {x, w.ints({p.count})}, {values, indices},
                  {{"axis", p.axis}, {"largest", int64_t{p.largest}}, {"sorted", int64_t{1}}})[1]};
}

Values write_softmax(const Softmax& p, const Translation& t) {
  return {t.w.node(p.logarithm ? "LogSoftmax" : "Softmax", {t.in[0]}, Kind::real, t.shapes[0],
                   {{"axis", p.axis}})};
}

Values write_cum_sum(const CumSum& p, const Translation& t) {
  const Value axis = t.w.scalar(static_cast<double>(p.axis), Kind::integer);
  return {t.w.node("CumSum", {t.in[0], axis}, t.in[0].kind, t.shapes[0],
                   {{"exclusive", int64_t{p.exclusive}}, {"reverse", int64_t{p.reverse}}})};
}

}  // namespace onnxray::exporting
