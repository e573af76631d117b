#include "core/builder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/fail.h"

namespace onnxray {

void Builder::set_origin(int32_t node, std::string label) {
  node_ = node;
  label_ = std::move(label);
}

Var Builder::emit(Primitive primitive, std::vector<Var> inputs, Shape shape, DType dtype) {
  element_count(shape);  // refuses what cannot be counted
  const Var y = program_.add_variable(std::move(shape), dtype, label_);
  program_.steps.push_back({std::move(primitive), std::move(inputs), {y}, block_, node_});
  return y;
}

Var Builder::input(std::string name, Shape shape, DType dtype) {
  const Var v = program_.add_variable(std::move(shape), dtype, name);
  program_.inputs.push_back({std::move(name), v});
  return v;
}

Var Builder::constant(Tensor value, std::string label) {
  const Var v = program_.add_variable(value.shape(), value.dtype(), std::move(label));
  program_[v].constant = std::move(value);
  return v;
}

Var Builder::scalar(double value, DType dtype) {
  // Held in double whatever its declared type: 0.1 must not be rounded to float in a double program.
  const Var v = constant(Tensor::filled(is_floating(dtype) ? DType::f64 : dtype, {}, value));
  program_[v].dtype = dtype;
  return v;
}

Var Builder::filled(double value, Shape shape, DType dtype) {
  return constant(Tensor::filled(dtype, std::move(shape), value));
}

Var Builder::step_index() {
  if (!program_.step_index) program_.step_index = program_.add_variable({}, DType::i64, "step");
  return program_.step_index;
}

namespace {

/// Whether a number survives the trip through the immediate's double.
bool fits_immediate(const Tensor& t) {
  if (t.size() != 1) return false;
  return is_floating(t.dtype()) || std::abs(static_cast<double>(t.as_int64(0))) < 9007199254740992.0;
}

bool yields_boolean(Opcode op) {
  switch (op) {
    case Opcode::equal:
    case Opcode::less:
    case Opcode::less_equal:
    case Opcode::logical_and:
    case Opcode::logical_or:
    case Opcode::logical_xor:
    case Opcode::logical_not:
    case Opcode::is_nan:
    case Opcode::is_inf: return true;
    default: return false;
  }
}

Expression::Domain domain_of(DType t) {
  return is_floating(t) ? Expression::Domain::real : Expression::Domain::integer;
}

}  // namespace

Var Builder::elementwise(Opcode op, std::span<const Var> operands, Expression::Domain domain, DType result) {
  Shape out;
  std::vector<Var> inputs;
  std::vector<Source> sources;
  for (const Var v : operands) {
    const auto joined = broadcast_shapes(out, shape(v));
    require(joined.has_value(), ErrorCode::bad_file, "{}: shapes {} and {} do not broadcast", name_of(op),
            to_string(out), to_string(shape(v)));
    out = *joined;
    if (const Tensor* t = constant(v); t && fits_immediate(*t)) {
      sources.push_back({Source::Kind::immediate, 0, t->as_double(0)});
      continue;
    }
    const auto known = std::ranges::find(inputs, v);
    sources.push_back({Source::Kind::input, static_cast<int32_t>(known - inputs.begin()), 0});
    if (known == inputs.end()) inputs.push_back(v);
  }
  Instruction instruction{.op = op, .a = sources[0], .b = {}, .c = {}};
  if (sources.size() > 1) instruction.b = sources[1];
  if (sources.size() > 2) instruction.c = sources[2];
  return emit(Elementwise{{domain, {instruction}, {0}}}, std::move(inputs), std::move(out), result);
}

Var Builder::unary(Opcode op, Var x) {
  const Var operands[] = {x};
  const DType result = yields_boolean(op) ? DType::boolean : dtype(x);
  return elementwise(op, operands, domain_of(dtype(x)), result);
}

Var Builder::binary(Opcode op, Var a, Var b) {
  require(dtype(a) == dtype(b) || (is_floating(dtype(a)) == is_floating(dtype(b))) || op == Opcode::pow,
          ErrorCode::bad_file, "{}: operands of {} and {}", name_of(op), name_of(dtype(a)),
          name_of(dtype(b)));
  const Var operands[] = {a, b};
  const bool real = is_floating(dtype(a)) || is_floating(dtype(b));
  const DType result = yields_boolean(op) ? DType::boolean : dtype(a);
  return elementwise(op, operands, real ? Expression::Domain::real : Expression::Domain::integer, result);
}

Var Builder::select(Var condition, Var a, Var b) {
  require(dtype(a) == dtype(b), ErrorCode::bad_file, "select between {} and {}", name_of(dtype(a)),
          name_of(dtype(b)));
  const Var operands[] = {condition, a, b};
  return elementwise(Opcode::select, operands, domain_of(dtype(a)), dtype(a));
}

Var Builder::cast(Var x, DType to) {
  if (dtype(x) == to) return x;
  const Var operands[] = {x};
  return elementwise(Opcode::copy, operands, domain_of(dtype(x)), to);
}

namespace {

void check_convolution(const Shape& x, const Shape& w, const Window& window, int64_t groups) {
  require(x.size() >= 3 && w.size() == x.size(), ErrorCode::bad_file,
          "convolution of a tensor {} with a weight {}", to_string(x), to_string(w));
  require(groups > 0 && x[1] == w[1] * groups && w[0] % groups == 0, ErrorCode::bad_file,
          "convolution in {} groups: {} channels do not fit a weight {}", groups, x[1], to_string(w));
  require(Shape(w.begin() + 2, w.end()) == window.kernel, ErrorCode::bad_file,
          "kernel {} differs from the weight's {}", to_string(window.kernel), to_string(w));
}

Shape with_spatial(int64_t n, int64_t c, const Shape& spatial) {
  Shape shape{n, c};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

std::span<const int64_t> spatial(const Shape& shape) {
  require(shape.size() >= 3, ErrorCode::bad_file, "a sliding window needs [N, C, spatial...], not {}",
          to_string(shape));
  return std::span(shape).subspan(2);
}

}  // namespace

Var Builder::convolution(Var x, Var w, Var bias, const Window& window, int64_t groups) {
  check_convolution(shape(x), shape(w), window, groups);
  std::vector<Var> inputs{x, w};
  if (bias) {
    require(shape(bias) == Shape{shape(w)[0]}, ErrorCode::bad_file, "a bias {} for {} channels",
            to_string(shape(bias)), shape(w)[0]);
    inputs.push_back(bias);
  }
  Shape out = with_spatial(shape(x)[0], shape(w)[0], window_output(window, spatial(shape(x))));
  return emit(Convolution{window, groups}, std::move(inputs), std::move(out), dtype(x));
}

Var Builder::convolution_input(Var g, Var w, const Window& window, int64_t groups, Shape x) {
  check_convolution(x, shape(w), window, groups);
  require(shape(g) == with_spatial(x[0], shape(w)[0], window_output(window, spatial(x))), ErrorCode::bad_file,
          "convolution_input: {} is not the output shape over {}", to_string(shape(g)), to_string(x));
  Shape out = x;
  return emit(ConvolutionInput{window, groups, std::move(x)}, {g, w}, std::move(out), dtype(g));
}

Var Builder::convolution_weight(Var x, Var g, const Window& window, int64_t groups, Shape w) {
  Shape out = w;
  return emit(ConvolutionWeight{window, groups, std::move(w)}, {x, g}, std::move(out), dtype(x));
}

Var Builder::matmul(Var a, Var b, bool transpose_a, bool transpose_b, Var bias) {
  const Shape &sa = shape(a), &sb = shape(b);
  require(sa.size() >= 2 && sb.size() >= 2, ErrorCode::bad_file, "matmul of {} and {}", to_string(sa),
          to_string(sb));
  const auto extents = [](const Shape& s, bool t) {
    const size_t r = s.size();
    return t ? std::pair{s[r - 1], s[r - 2]} : std::pair{s[r - 2], s[r - 1]};
  };
  const auto [rows, inner] = extents(sa, transpose_a);
  const auto [inner_b, columns] = extents(sb, transpose_b);
  const auto batch = broadcast_shapes({sa.begin(), sa.end() - 2}, {sb.begin(), sb.end() - 2});
  require(inner == inner_b && batch.has_value(), ErrorCode::bad_file, "matmul of {} and {} does not fit",
          to_string(sa), to_string(sb));
  Shape out = *batch;
  out.push_back(rows);
  out.push_back(columns);
  std::vector<Var> inputs{a, b};
  if (bias) {
    require(broadcast_shapes(shape(bias), out) == out, ErrorCode::bad_file,
            "matmul: bias {} does not broadcast to {}", to_string(shape(bias)), to_string(out));
    inputs.push_back(bias);
  }
  return emit(MatMul{transpose_a, transpose_b}, std::move(inputs), std::move(out), dtype(a));
}

Var Builder::reduce(Reduce::Kind kind, Var x, std::vector<int64_t> axes, bool keep) {
  if (axes.empty()) {
    axes.resize(rank(x));
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (int64_t& axis : axes) axis = normalise_axis(axis, rank(x));
  std::ranges::sort(axes);
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  Shape kept = shape(x), dropped;
  for (const int64_t axis : axes) kept[static_cast<size_t>(axis)] = 1;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!std::ranges::binary_search(axes, static_cast<int64_t>(i))) dropped.push_back(kept[i]);
  }
  // Over axes of extent 1 every kind of reduction is the identity.
  const Var y = kept == shape(x) ? x : emit(Reduce{kind, std::move(axes)}, {x}, kept, dtype(x));
  return keep ? y : reshape(y, dropped);
}

Var Builder::mean(Var x, std::vector<int64_t> axes, bool keep) {
  const Var total = sum(x, std::move(axes), keep);
  const int64_t count = element_count(shape(x)) / std::max<int64_t>(element_count(shape(total)), 1);
  return is_floating(dtype(x)) ? mul(total, 1.0 / static_cast<double>(count))
                               : div(total, static_cast<double>(count));
}

Var Builder::arg_reduce(Var x, int64_t axis, bool largest, bool last_on_ties) {
  axis = normalise_axis(axis, rank(x));
  Shape out = shape(x);
  require(out[static_cast<size_t>(axis)] > 0, ErrorCode::bad_file, "arg_reduce over an empty axis of {}",
          to_string(out));
  out[static_cast<size_t>(axis)] = 1;
  return emit(ArgReduce{largest, axis, last_on_ties}, {x}, std::move(out), DType::i64);
}

Var Builder::softmax(Var x, int64_t axis, bool logarithm) {
  return emit(Softmax{normalise_axis(axis, rank(x)), logarithm}, {x}, shape(x), dtype(x));
}

Var Builder::cum_sum(Var x, int64_t axis, bool exclusive, bool reverse) {
  return emit(CumSum{normalise_axis(axis, rank(x)), exclusive, reverse}, {x}, shape(x), dtype(x));
}

Var Builder::sum_to_shape(Var x, Shape target) {
  if (shape(x) == target) return x;
  const size_t extra = rank(x) - target.size();
  std::vector<int64_t> axes;
  for (size_t i = 0; i < rank(x); ++i) {
    if (i < extra || (target[i - extra] == 1 && shape(x)[i] != 1)) axes.push_back(static_cast<int64_t>(i));
  }
  const Var summed = axes.empty() ? x : sum(x, axes);
  return reshape(summed, std::move(target));
}

Builder::Pooled Builder::max_pool(Var x, const Window& window) {
  Shape out = with_spatial(shape(x)[0], shape(x)[1], window_output(window, spatial(shape(x))));
  const DType winner = element_count(window.kernel) <= 256 ? DType::u8 : DType::i64;
  Pooled pooled{program_.add_variable(out, dtype(x), label_), program_.add_variable(out, winner, label_)};
  program_.steps.push_back({MaxPool{window}, {x}, {pooled.y, pooled.winner}, block_, node_});
  return pooled;
}

Var Builder::max_pool_scatter(Var g, Var winner, const Window& window, Shape x) {
  Shape out = x;
  return emit(MaxPoolScatter{window, std::move(x)}, {g, winner}, std::move(out), dtype(g));
}

Var Builder::max_pool_gather(Var x, Var winner, const Window& window) {
  return emit(MaxPoolGather{window}, {x, winner}, shape(winner), dtype(x));
}

Var Builder::sum_pool(Var x, const Window& window) {
  Shape out = with_spatial(shape(x)[0], shape(x)[1], window_output(window, spatial(shape(x))));
  return emit(SumPool{window}, {x}, std::move(out), dtype(x));
}

Var Builder::sum_pool_input(Var g, const Window& window, Shape x) {
  Shape out = x;
  return emit(SumPoolInput{window, std::move(x)}, {g}, std::move(out), dtype(g));
}

Var Builder::reshape(Var x, Shape target) {
  if (shape(x) == target) return x;
  require(element_count(shape(x)) == element_count(target), ErrorCode::bad_file, "cannot reshape {} to {}",
          to_string(shape(x)), to_string(target));
  if (const Tensor* t = constant(x)) return constant(t->reshaped(std::move(target)), program_[x].label);
  Shape out = target;
  return emit(Reshape{std::move(target)}, {x}, std::move(out), dtype(x));
}

Var Builder::transpose(Var x, std::vector<int64_t> permutation) {
  require(permutation.size() == rank(x), ErrorCode::bad_file, "permutation {} of a tensor {}",
          to_string(permutation), to_string(shape(x)));
  std::vector<bool> seen(permutation.size(), false);
  Shape out;
  for (const int64_t axis : permutation) {
    require(axis >= 0 && axis < static_cast<int64_t>(seen.size()) && !seen[static_cast<size_t>(axis)],
            ErrorCode::bad_file, "{} is not a permutation", to_string(permutation));
    seen[static_cast<size_t>(axis)] = true;
    out.push_back(shape(x)[static_cast<size_t>(axis)]);
  }
  if (std::ranges::is_sorted(permutation)) return x;
  return emit(Transpose{std::move(permutation)}, {x}, std::move(out), dtype(x));
}

Var Builder::broadcast(Var x, Shape target) {
  if (shape(x) == target) return x;
  require(broadcast_shapes(shape(x), target) == target, ErrorCode::bad_file, "cannot broadcast {} to {}",
          to_string(shape(x)), to_string(target));
  Shape out = target;
  return emit(Broadcast{std::move(target)}, {x}, std::move(out), dtype(x));
}

namespace {

/// Whether `inner` places at starts + i * steps stay inside `outer`.
void check_window(const Shape& outer, const std::vector<int64_t>& starts, const std::vector<int64_t>& steps,
                  const Shape& inner) {
  require(starts.size() == outer.size() && steps.size() == outer.size() && inner.size() == outer.size(),
          ErrorCode::bad_file, "slice of rank {} in a tensor {}", starts.size(), to_string(outer));
  for (size_t i = 0; i < outer.size(); ++i) {
    if (inner[i] == 0) continue;
    const int64_t last = starts[i] + (inner[i] - 1) * steps[i];
    require(steps[i] != 0 && starts[i] >= 0 && starts[i] < outer[i] && last >= 0 && last < outer[i],
            ErrorCode::bad_file, "slice {} + i * {}, {} places, leaves axis {} of {}", starts[i], steps[i],
            inner[i], i, to_string(outer));
  }
}

}  // namespace

Var Builder::slice(Var x, std::vector<int64_t> starts, std::vector<int64_t> steps, Shape target) {
  check_window(shape(x), starts, steps, target);
  const bool forwards = std::ranges::all_of(steps, [](int64_t s) { return s == 1; });
  if (forwards && target == shape(x)) return x;
  Shape out = target;
  return emit(Slice{std::move(starts), std::move(steps), std::move(target)}, {x}, std::move(out), dtype(x));
}

Var Builder::slice_axis(Var x, int64_t axis, int64_t begin, int64_t end) {
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(x)));
  std::vector<int64_t> starts(rank(x), 0), steps(rank(x), 1);
  Shape target = shape(x);
  starts[at] = begin;
  target[at] = end - begin;
  return slice(x, std::move(starts), std::move(steps), std::move(target));
}

Var Builder::place(Var x, std::vector<int64_t> starts, std::vector<int64_t> steps, Shape target,
                   double fill) {
  check_window(target, starts, steps, shape(x));
  const bool forwards = std::ranges::all_of(steps, [](int64_t s) { return s == 1; });
  if (forwards && target == shape(x)) return x;
  Shape out = target;
  return emit(Place{std::move(starts), std::move(steps), std::move(target), fill}, {x}, std::move(out),
              dtype(x));
}

Var Builder::concat(std::span<const Var> xs, int64_t axis) {
  require(!xs.empty(), ErrorCode::bad_file, "concat of nothing");
  if (xs.size() == 1) return xs[0];
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(xs[0])));
  Shape out = shape(xs[0]);
  out[at] = 0;
  for (const Var x : xs) {
    Shape expected = shape(x);
    require(expected.size() == out.size(), ErrorCode::bad_file, "concat of {} and {}",
            to_string(shape(xs[0])), to_string(shape(x)));
    const int64_t extent = std::exchange(expected[at], out[at]);
    require(expected == out, ErrorCode::bad_file, "concat of {} and {} along axis {}",
            to_string(shape(xs[0])), to_string(shape(x)), at);
    out[at] += extent;
  }
  return emit(Concat{static_cast<int64_t>(at)}, {xs.begin(), xs.end()}, std::move(out), dtype(xs[0]));
}

Var Builder::gather(Var x, Var index, int64_t axis) {
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(x)));
  Shape out(shape(x).begin(), shape(x).begin() + static_cast<int64_t>(at));
  out.insert(out.end(), shape(index).begin(), shape(index).end());
  out.insert(out.end(), shape(x).begin() + static_cast<int64_t>(at) + 1, shape(x).end());
  return emit(Gather{static_cast<int64_t>(at)}, {x, index}, std::move(out), dtype(x));
}

Var Builder::gather_adjoint(Var g, Var index, int64_t axis, int64_t extent) {
  const auto at = static_cast<int64_t>(axis);
  const auto after = at + static_cast<int64_t>(rank(index));
  Shape out(shape(g).begin(), shape(g).begin() + at);
  out.push_back(extent);
  out.insert(out.end(), shape(g).begin() + after, shape(g).end());
  return emit(GatherAdjoint{axis, extent}, {g, index}, std::move(out), dtype(g));
}

Var Builder::gather_elements(Var x, Var index, int64_t axis) {
  require(rank(x) == rank(index), ErrorCode::bad_file, "gather_elements of {} with an index {}",
          to_string(shape(x)), to_string(shape(index)));
  return emit(GatherElements{normalise_axis(axis, rank(x))}, {x, index}, shape(index), dtype(x));
}

Var Builder::scatter_elements(ScatterElements::Kind kind, Var x, Var index, Var updates, int64_t axis) {
  require(rank(x) == rank(index) && shape(index) == shape(updates), ErrorCode::bad_file,
          "scatter_elements into {}: index {}, updates {}", to_string(shape(x)), to_string(shape(index)),
          to_string(shape(updates)));
  return emit(ScatterElements{kind, normalise_axis(axis, rank(x))}, {x, index, updates}, shape(x), dtype(x));
}

Var Builder::axis_map(Var x, int64_t axis, std::shared_ptr<const AxisTable> table) {
  const auto at = static_cast<size_t>(normalise_axis(axis, rank(x)));
  Shape out = shape(x);
  require(out[at] == table->in, ErrorCode::bad_file, "a map of {} places on axis {} of {}", table->in, at,
          to_string(out));
  out[at] = table->out;
  return emit(AxisMap{static_cast<int64_t>(at), std::move(table)}, {x}, std::move(out), dtype(x));
}

Var Builder::noise(Noise::Kind kind, uint64_t seed, Var sample, Shape target, DType type) {
  Shape out = target;
  return emit(Noise{kind, seed, std::move(target)}, {sample}, std::move(out), type);
}

}  // namespace onnxray
