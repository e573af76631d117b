#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/weight_entry.h"

// Products with forms of one matrix by their definition. Plans for a device hold the forms as constants; this
// is for programs that were optimised for another backend.

namespace onnxray::cudnn {

namespace {

/// The last two axes of an operand.
struct Plane {
  int64_t row, column;
};

Plane plane_of(const Operand& x, bool transposed) {
  if (transposed) return {x.strides[1], x.strides[0]};
  return {x.strides[0], x.strides[1]};
}

/// y[r,j] = sum over k of a[r,k] * form(b[k,j])
struct FormProduct {
  const float *a, *b;
  float* y;
  Plane of_a, of_b, of_y;
  int64_t columns, extent;
  WeightEntry entry;

  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const int64_t r = i / columns, j = i - r * columns;
    double sum = 0;
    for (int64_t k = 0; k < extent; ++k)
      sum += a[r * of_a.row + k * of_a.column] * entry(b[k * of_b.row + j * of_b.column]);
    y[r * of_y.row + j * of_y.column] = static_cast<float>(sum);
  }
};

}  // namespace

std::unique_ptr<DeviceStep> compile(const FormProducts& p, const Operands& o) {
  for (const Operand& x : o.in) {
    if (storage_of(x.dtype) != Storage::real) return nullptr;
  }
  std::vector<FormProduct> products;
  for (size_t i = 0; i < p.forms.size(); ++i) {
    const Shape& shape = o.out[i].shape;
    products.push_back({nullptr, nullptr, nullptr, plane_of(o.in[i], false),
                        plane_of(o.in.back(), p.transpose_b), plane_of(o.out[i], false), shape[1],
                        o.in[i].shape[1], WeightEntry(p.forms[i])});
  }
  std::vector<int64_t> counts;
  for (const Operand& y : o.out) counts.push_back(element_count(y.shape));
  return make_step([products, counts](const Launch& l, Sources in, Targets out) {
    for (size_t i = 0; i < products.size(); ++i) {
      FormProduct product = products[i];
      product.a = in_as<float>(in[i]);
      product.b = in_as<float>(in.back());
      product.y = out_as<float>(out[i]);
      for_each(l.stream, counts[i], product);
    }
  });
}

}  // namespace onnxray::cudnn
