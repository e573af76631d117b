#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"
#include "backends/reference/weight_form.h"

namespace onnxray::reference {

namespace {

/// The strides of the last two axes: rows, columns.
struct Plane {
  int64_t row, column;
};

Plane plane_of(const Strides& strides, bool transposed) {
  const size_t r = strides.size();
  if (transposed) return {strides[r - 1], strides[r - 2]};
  return {strides[r - 2], strides[r - 1]};
}

/// Strides of the leading axes of an operand under the result's leading axes.
Strides leading(const Operand& x, const Shape& batch) {
  return broadcast_strides({x.shape.begin(), x.shape.end() - 2}, {x.strides.begin(), x.strides.end() - 2},
                           batch.size());
}

struct Sizes {
  int64_t inner, columns;
  Plane a, b;
};

/// sums[j] += sum over k of a[k] * b[k,j], in the order of k whichever way b lies.
template <class E>
void multiply_row(const Sizes& s, const E* a, const E* b, std::vector<Wide<E>>& sums) {
  if (s.b.row == 1 && s.b.column != 1) {
    for (int64_t j = 0; j < s.columns; ++j) {
      Wide<E> sum = sums[static_cast<size_t>(j)];
      for (int64_t k = 0; k < s.inner; ++k)
        sum = plus(sum, times(Wide<E>{a[k * s.a.column]}, Wide<E>{b[k + j * s.b.column]}));
      sums[static_cast<size_t>(j)] = sum;
    }
    return;
  }
  Wide<E>* to = sums.data();
  for (int64_t k = 0; k < s.inner; ++k) {
    const Wide<E> factor = a[k * s.a.column];
    const E* from = b + k * s.b.row;
    if (s.b.column == 1) {
      for (int64_t j = 0; j < s.columns; ++j) to[j] = plus(to[j], times(factor, Wide<E>{from[j]}));
    } else {
      for (int64_t j = 0; j < s.columns; ++j)
        to[j] = plus(to[j], times(factor, Wide<E>{from[j * s.b.column]}));
    }
  }
}

/// y[..,i,j] = bias[..,i,j] + sum over k of a[..,i,k] * b[..,k,j]
template <class E>
std::unique_ptr<Kernel> make_matmul(const MatMul& p, const Operands& o) {
  const Operand &a = o.in[0], &b = o.in[1], &y = o.out[0];
  const Shape batch(y.shape.begin(), y.shape.end() - 2);
  const bool biased = o.in.size() > 2;
  const Strides bias =
      biased ? broadcast_strides(o.in[2].shape, o.in[2].strides, y.shape.size()) : Strides(y.shape.size(), 0);
  const Strides bias_batch(bias.begin(), bias.end() - 2), y_batch(y.strides.begin(), y.strides.end() - 2);
  const Walk walk(batch, {y_batch, leading(a, batch), leading(b, batch), bias_batch});
  const Plane to = plane_of(y.strides, false), add = plane_of(bias, false);
  const size_t r = a.shape.size();
  const Sizes sizes{a.shape[p.transpose_a ? r - 2 : r - 1], y.shape.back(),
                    plane_of(a.strides, p.transpose_a), plane_of(b.strides, p.transpose_b)};
  const int64_t rows = y.shape[y.shape.size() - 2];
  std::vector<Wide<E>> sums(static_cast<size_t>(sizes.columns));
  return make_kernel([=, dtype = y.dtype](Sources in, Targets out) mutable {
    walk.rows([&](const int64_t* at) {
      for (int64_t n = 0; n < walk.row_extent(); ++n) {
        for (int64_t i = 0; i < rows; ++i) {
          const int64_t bias_at = at[3] + n * walk.step(3) + i * add.row;
          for (int64_t j = 0; j < sizes.columns; ++j) {
            sums[static_cast<size_t>(j)] =
                biased ? Wide<E>{in_as<E>(in[2])[bias_at + j * add.column]} : Wide<E>{0};
          }
          multiply_row(sizes, in_as<E>(in[0]) + at[1] + n * walk.step(1) + i * sizes.a.row,
                       in_as<E>(in[1]) + at[2] + n * walk.step(2), sums);
          E* row = out_as<E>(out[0]) + at[0] + n * walk.step(0) + i * to.row;
          for (int64_t j = 0; j < sizes.columns; ++j)
            row[j * to.column] = to_element<E>(dtype, sums[static_cast<size_t>(j)]);
        }
      }
    });
  });
}

}  // namespace

/// y_i[r,j] = sum over k of a_i[r,k] * form_i(b[k,j])
template <class T>
std::unique_ptr<Kernel> compile(const FormProducts& p, const Operands& o) {
  for (const Operand& x : o.in) {
    require(storage_of(x.dtype) == Storage::real, ErrorCode::unsupported, "form_products of {}",
            name_of(x.dtype));
  }
  return make_kernel([p, o](Sources in, Targets out) {
    const Plane from_b = plane_of(o.in.back().strides, p.transpose_b);
    const T* b = in_as<T>(in.back());
    for (size_t i = 0; i < p.forms.size(); ++i) {
      const Plane from_a = plane_of(o.in[i].strides, false), to = plane_of(o.out[i].strides, false);
      const Shape& shape = o.out[i].shape;
      for (int64_t r = 0; r < shape[0]; ++r) {
        for (int64_t j = 0; j < shape[1]; ++j) {
          double sum = 0;
          for (int64_t k = 0; k < o.in[i].shape[1]; ++k) {
            const T w = entry(p.forms[i], b[k * from_b.row + j * from_b.column]);
            sum += double{in_as<T>(in[i])[r * from_a.row + k * from_a.column]} * double{w};
          }
          out_as<T>(out[i])[r * to.row + j * to.column] = static_cast<T>(sum);
        }
      }
    }
  });
}

template std::unique_ptr<Kernel> compile<float>(const FormProducts&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const FormProducts&, const Operands&);

template <class T>
std::unique_ptr<Kernel> compile(const MatMul& p, const Operands& o) {
  for (const Operand& x : o.in) require_alike("matmul", x, o.out[0]);
  return with_storage<T>(o.out[0].dtype,
                         [&]<class E>(std::type_identity<E>) { return make_matmul<E>(p, o); });
}

template std::unique_ptr<Kernel> compile<float>(const MatMul&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const MatMul&, const Operands&);

}  // namespace onnxray::reference
