#include "core/builder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/contract.h"
#include "core/fail.h"

namespace onnxray {

void Builder::set_origin(int32_t node, std::string label) {
  node_ = node;
  label_ = std::move(label);
}

Var Builder::emit(Primitive primitive, std::vector<Var> inputs, Shape shape, DType dtype) {
  const Var y = add_variable(std::move(shape), dtype);
  append(std::move(primitive), std::move(inputs), {y});
  return y;
}

Var Builder::add_variable(Shape shape, DType dtype) {
  element_count(shape);  // refuses what cannot be counted
  return program_.add_variable(std::move(shape), dtype, label_);
}

void Builder::append(Primitive primitive, std::vector<Var> inputs, std::vector<Var> outputs) {
  Step step{std::move(primitive), std::move(inputs), std::move(outputs), block_, node_};
  check_contract(program_, step);
  program_.steps.push_back(std::move(step));
}

Var Builder::input(std::string name, Shape shape, DType dtype) {
  element_count(shape);
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
  claim((element_count(shape) * size_of(dtype) + 7) / 8);
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
  if (dtype(x) == DType::u64) {
    if (const Var y = unsigned_unary(op, x)) return y;
  }
  const Var operands[] = {x};
  const DType result = yields_boolean(op) ? DType::boolean : dtype(x);
  return elementwise(op, operands, domain_of(dtype(x)), result);
}

Var Builder::binary(Opcode op, Var a, Var b) {
  require(dtype(a) == dtype(b) || (is_floating(dtype(a)) == is_floating(dtype(b))) || op == Opcode::pow,
          ErrorCode::bad_file, "{}: operands of {} and {}", name_of(op), name_of(dtype(a)),
          name_of(dtype(b)));
  if (dtype(a) == DType::u64 && dtype(b) == DType::u64) {
    if (const Var y = unsigned_binary(op, a, b)) return y;
  }
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

Var Builder::clip(Var x, Var low, Var high) {
  if (dtype(x) == DType::u64) return min(max(x, low), high);
  const Var operands[] = {x, low, high};
  return elementwise(Opcode::clip, operands, domain_of(dtype(x)), dtype(x));
}

Var Builder::cast(Var x, DType to) {
  if (dtype(x) == to) return x;
  if (dtype(x) == DType::u64 && is_floating(to)) return unsigned_to_real(x, to);
  if (is_floating(dtype(x)) && to == DType::u64) return real_to_unsigned(x);
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

Shape pooled_shape(const Shape& x, const Window& window) {
  const Shape places = window_output(window, spatial(x));
  return with_spatial(x[0], x[1], places);
}

}  // namespace

Var Builder::convolution(Var x, Var w, Var bias, const Window& window, int64_t groups) {
  check_convolution(shape(x), shape(w), window, groups);
  std::vector<Var> inputs{x, w};
  if (bias) inputs.push_back(bias);
  Shape out = with_spatial(shape(x)[0], shape(w)[0], window_output(window, spatial(shape(x))));
  return emit(Convolution{window, groups}, std::move(inputs), std::move(out), dtype(x));
}

Var Builder::convolution_input(Var g, Var w, const Window& window, int64_t groups, Shape x) {
  Shape out = x;
  return emit(ConvolutionInput{window, groups, std::move(x)}, {g, w}, std::move(out), dtype(g));
}

Builder::Parted Builder::split_convolution(Var x, Var w, Var bias, const Window& window,
                                           const WeightForm& part) {
  check_convolution(shape(x), shape(w), window, 1);
  const Shape out = with_spatial(shape(x)[0], shape(w)[0], window_output(window, spatial(shape(x))));
  const Parted parted{add_variable(out, dtype(x)), add_variable(out, dtype(x))};
  std::vector<Var> inputs{x, w};
  if (bias) inputs.push_back(bias);
  append(SplitConvolution{window, part}, std::move(inputs), {parted.y, parted.p});
  return parted;
}

Var Builder::split_convolution_input(Var p, Var n, Var w, const Window& window, Shape x) {
  Shape out = x;
  return emit(SplitConvolutionInput{window, std::move(x)}, {p, n, w}, std::move(out), dtype(p));
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
  if (bias) inputs.push_back(bias);
  return emit(MatMul{transpose_a, transpose_b}, std::move(inputs), std::move(out), dtype(a));
}

std::vector<Var> Builder::form_products(std::span<const Var> a, Var b, bool transpose_b,
                                        std::vector<WeightForm> forms) {
  require(a.size() == forms.size() && !a.empty() && rank(b) == 2, ErrorCode::bad_file,
          "form_products of {} matrices under {} forms of {}", a.size(), forms.size(), to_string(shape(b)));
  const int64_t inner = shape(b)[transpose_b ? 1 : 0], columns = shape(b)[transpose_b ? 0 : 1];
  std::vector<Var> inputs(a.begin(), a.end()), outputs;
  for (const Var v : a) {
    require(rank(v) == 2 && shape(v)[1] == inner, ErrorCode::bad_file,
            "form_products of {} and {} does not fit", to_string(shape(v)), to_string(shape(b)));
    outputs.push_back(add_variable({shape(v)[0], columns}, dtype(v)));
  }
  inputs.push_back(b);
  append(FormProducts{transpose_b, std::move(forms)}, std::move(inputs), outputs);
  return outputs;
}

Var Builder::reduce(Reduce::Kind kind, Var x, std::vector<int64_t> axes, bool keep) {
  if (dtype(x) == DType::u64 && (kind == Reduce::Kind::max || kind == Reduce::Kind::min))
    return from_signed_order(reduce(kind, signed_order(x), std::move(axes), keep));
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
  return emit(ArgReduce{largest, axis, last_on_ties}, {signed_order(x)}, std::move(out), DType::i64);
}

Var Builder::top_k(Var x, int64_t axis, int64_t count, bool largest) {
  axis = normalise_axis(axis, rank(x));
  Shape out = shape(x);
  int64_t& extent = out[static_cast<size_t>(axis)];
  require(count >= 0 && count <= extent, ErrorCode::bad_file, "k = {} along axis {} of {}", count, axis,
          to_string(shape(x)));
  extent = count;
  return emit(TopK{axis, count, largest}, {signed_order(x)}, std::move(out), DType::i64);
}

Var Builder::softmax(Var x, int64_t axis, bool logarithm) {
  return emit(Softmax{normalise_axis(axis, rank(x)), logarithm}, {x}, shape(x), dtype(x));
}

Var Builder::cum_sum(Var x, int64_t axis, bool exclusive, bool reverse) {
  return emit(CumSum{normalise_axis(axis, rank(x)), exclusive, reverse}, {x}, shape(x), dtype(x));
}

Var Builder::sum_to_shape(Var x, Shape target) {
  if (shape(x) == target) return x;
  require(target.size() <= rank(x), ErrorCode::bad_file, "cannot sum {} to {}", to_string(shape(x)),
          to_string(target));
  const size_t extra = rank(x) - target.size();
  std::vector<int64_t> axes;
  for (size_t i = 0; i < rank(x); ++i) {
    if (i < extra || (target[i - extra] == 1 && shape(x)[i] != 1)) axes.push_back(static_cast<int64_t>(i));
  }
  const Var summed = axes.empty() ? x : sum(x, axes);
  return reshape(summed, std::move(target));
}

Builder::Pooled Builder::max_pool(Var x, const Window& window) {
  Shape out = pooled_shape(shape(x), window);
  const DType winner = element_count(window.kernel) <= 256 ? DType::u8 : DType::i64;
  const Pooled pooled{add_variable(out, dtype(x)), add_variable(out, winner)};
  append(MaxPool{window}, {x}, {pooled.y, pooled.winner});
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
  Shape out = pooled_shape(shape(x), window);
  return emit(SumPool{window}, {x}, std::move(out), dtype(x));
}

Var Builder::sum_pool_input(Var g, const Window& window, Shape x) {
  Shape out = x;
  return emit(SumPoolInput{window, std::move(x)}, {g}, std::move(out), dtype(g));
}

}  // namespace onnxray
