#include <algorithm>

#include "backends/onednn/dnnl_call.h"
#include "backends/onednn/kernels.h"
#include "backends/onednn/loop_nest.h"
#include "backends/onednn/matvec.h"

namespace onnxray::onednn {

namespace {

/// Elements from which on b does not stay in a core's own cache, and from which on that holds up several
/// rows.
constexpr int64_t kLargeMatrix = 1 << 18, kVeryLargeMatrix = 1 << 20;

bool waits_for_memory(int64_t rows, int64_t elements) {
  return rows <= kFewRows && elements >= (rows <= 4 ? kLargeMatrix : kVeryLargeMatrix);
}

/// An axis of extent 1 gets the stride that a dense matrix would have: oneDNN picks its kernel by strides.
Matrix normalised(Matrix m) {
  if (m.rows == 1) m.row_stride = m.column_stride == 1 ? m.columns : 1;
  if (m.columns == 1) m.column_stride = m.row_stride == 1 ? m.rows : 1;
  return m;
}

Matrix matrix_of(const Operand& o, bool transposed) {
  const size_t rank = o.shape.size();
  Matrix m{o.shape[rank - 2], o.shape[rank - 1], o.strides[rank - 2], o.strides[rank - 1]};
  if (transposed) m = {m.columns, m.rows, m.column_stride, m.row_stride};
  return normalised(m);
}

/// Strides of the leading axes of `o` as they broadcast to those of a result of `rank` axes.
Strides leading_strides(const Operand& o, size_t rank) {
  Strides strides = broadcast_strides(o.shape, o.strides, rank);
  strides.resize(rank - 2);
  return strides;
}

/// The product as loops around a batch of matrix products; a batch of 0 is a single one.
struct Problem {
  Matrix a, b, y;
  int64_t batch = 0, batch_a = 0, batch_b = 0, batch_y = 0;
  Shape loops{};
  Strides loops_a{}, loops_b{}, loops_y{};

  int64_t times() const { return element_count(loops); }
};

bool is_zero(const Strides& strides) {
  return std::ranges::all_of(strides, [](int64_t stride) { return stride == 0; });
}

/// With one b for the whole batch, the rows of all a are the rows of one matrix, where they lie evenly.
bool merge_rows(Problem& p, const Shape& lead, Strides y, Strides a) {
  Shape shape = lead;
  shape.push_back(p.y.rows);
  y.push_back(p.y.row_stride);
  a.push_back(p.a.row_stride);
  const LoopNest rows = collapse(shape, {y, a});
  if (rows.depth() != 1) return false;
  const int64_t count = rows.trips();
  p.a = normalised({count, p.a.columns, rows.strides[1][0], p.a.column_stride});
  p.y = normalised({count, p.y.columns, rows.strides[0][0], p.y.column_stride});
  return true;
}

Problem arrange(const MatMul& primitive, const Operand& a, const Operand& b, const Operand& y) {
  const size_t rank = y.shape.size();
  Problem p{matrix_of(a, primitive.transpose_a), matrix_of(b, primitive.transpose_b), matrix_of(y, false)};
  const Shape lead(y.shape.begin(), y.shape.end() - 2);
  if (element_count(lead) == 1) return p;
  const Strides of_y = leading_strides(y, rank), of_a = leading_strides(a, rank),
                of_b = leading_strides(b, rank);
  if (is_zero(of_b) && merge_rows(p, lead, of_y, of_a)) return p;
  LoopNest nest = collapse(lead, {of_y, of_a, of_b});
  if (nest.strides[1].back() != 0 && nest.strides[2].back() != 0) {
    p.batch = nest.extents.back();
    p.batch_y = nest.strides[0].back();
    p.batch_a = nest.strides[1].back();
    p.batch_b = nest.strides[2].back();
    nest.extents.pop_back();
    for (Strides& strides : nest.strides) strides.pop_back();
  }
  p.loops = nest.extents;
  p.loops_y = nest.strides[0];
  p.loops_a = nest.strides[1];
  p.loops_b = nest.strides[2];
  return p;
}

Shape extents(int64_t batch, const Matrix& m) {
  return batch ? Shape{batch, m.rows, m.columns} : Shape{m.rows, m.columns};
}

dnnl::memory::desc describe(int64_t batch, int64_t batch_stride, const Matrix& m) {
  Strides strides{m.row_stride, m.column_stride};
  if (batch) strides.insert(strides.begin(), batch_stride);
  return onednn::describe(extents(batch, m), strides);
}

dnnl::memory::desc describe_dense(int64_t batch, const Matrix& m) {
  const Shape shape = extents(batch, m);
  return onednn::describe(shape, row_major_strides(shape));
}

/// A bias that differs between columns alone, which oneDNN adds itself.
bool is_column_bias(const Operand& bias, int64_t columns) {
  if (bias.shape.empty() || bias.shape.back() != columns || (columns > 1 && bias.strides.back() != 1))
    return false;
  return element_count(bias.shape) == columns;
}

/// The product, then `y += bias` in place.
class MatMulThenAdd final : public Kernel {
 public:
  MatMulThenAdd(std::unique_ptr<Kernel> product, std::unique_ptr<Kernel> add)
      : product_(std::move(product)), add_(std::move(add)) {}
  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    product_->run(in.first(2), out);
    const std::byte* const operands[] = {out[0], in[2]};
    add_->run(operands, out);
  }

 private:
  std::unique_ptr<Kernel> product_, add_;
};

std::unique_ptr<Kernel> compile_with_add(const Context& context, const MatMul& p, Operands in, Operands out) {
  Expression sum;
  sum.code = {{Opcode::add, {Source::Kind::input, 0}, {Source::Kind::input, 1}, {}}};
  sum.results = {0};
  const Operand operands[] = {out[0], in[2]};
  auto product = compile_matmul(context, p, in.first(2), out);
  auto add = compile_elementwise({sum}, operands, out);
  if (!product || !add) return nullptr;
  return std::make_unique<MatMulThenAdd>(std::move(product), std::move(add));
}

bool has_repeated_elements(const Operand& o) {
  for (size_t i = 0; i < o.shape.size(); ++i) {
    if (o.shape[i] > 1 && o.strides[i] <= 0) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<Kernel> compile_matmul(const Context& context, const MatMul& primitive, Operands in,
                                       Operands out) {
  for (const Operand& o : in.first(2)) {
    if (storage_of(o.dtype) != Storage::real || o.shape.size() < 2 || element_count(o.shape) == 0 ||
        has_repeated_elements(o))
      return nullptr;
  }
  if (element_count(out[0].shape) == 0) return nullptr;
  const Problem p = arrange(primitive, in[0], in[1], out[0]);
  const bool has_bias = in.size() > 2;
  if (has_bias && !is_column_bias(in[2], p.y.columns)) return compile_with_add(context, primitive, in, out);
  const bool once = p.times() == 1;
  if (once && p.batch == 0 && waits_for_memory(p.a.rows, p.b.rows * p.b.columns) && p.b.has_unit_stride()) {
    return make_matvec({{p.a, p.y, primitive.form}}, p.b, has_bias);
  }
  const bool packs = once && in[1].constant;
  if (primitive.form != WeightForm{} && !packs) return nullptr;
  if (!once && !(p.a.has_unit_stride() && p.b.has_unit_stride() && p.y.column_stride == 1)) return nullptr;

  const auto a = describe(p.batch, p.batch_a, p.a), b = describe(p.batch, p.batch_b, p.b),
             y = describe(p.batch, p.batch_y, p.y);
  const auto wanted_a = p.a.has_unit_stride() ? a : describe_dense(p.batch, p.a);
  const auto wanted_y = p.y.column_stride == 1 ? y : describe_dense(p.batch, p.y);
  auto wanted_b = p.b.has_unit_stride() ? b : describe_dense(p.batch, p.b);
  if (packs) wanted_b = describe_any(extents(p.batch, p.b));
  const Shape bias_shape = extents(p.batch ? 1 : 0, {1, p.y.columns});
  const auto bias = onednn::describe(bias_shape, row_major_strides(bias_shape));

  const auto pd = matmul(context.engine, wanted_a, wanted_b, has_bias ? &bias : nullptr, wanted_y);
  auto call = std::make_unique<DnnlCall>(context, dnnl::matmul(pd));
  call->bind_packed(DNNL_ARG_SRC, a, wanted_a, 0, nullptr);
  call->bind_packed(DNNL_ARG_WEIGHTS, b, pd.weights_desc(), 1, in[1].constant, primitive.form);
  if (has_bias) call->bind_input(DNNL_ARG_BIAS, bias, 2);
  call->bind_unpacked(DNNL_ARG_DST, wanted_y, y, 0);
  if (!once) call->repeat(p.loops, {p.loops_a, p.loops_b, Strides(p.loops.size(), 0)}, p.loops_y);
  return call;
}

std::unique_ptr<Kernel> compile_form_products(const FormProducts& p, Operands in, Operands out) {
  const Matrix b = matrix_of(in.back(), p.transpose_b);
  if (!b.has_unit_stride()) return nullptr;
  for (const Operand& o : in) {
    if (storage_of(o.dtype) != Storage::real || element_count(o.shape) == 0 || has_repeated_elements(o))
      return nullptr;
  }
  std::vector<FewRows> products;
  for (size_t i = 0; i < p.forms.size(); ++i) {
    products.push_back({matrix_of(in[i], false), matrix_of(out[i], false), p.forms[i]});
    if (products.back().a.rows > kFewRows) return nullptr;
  }
  return make_matvec(std::move(products), b, false);
}

}  // namespace onnxray::onednn
