#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"

namespace onnxray::reference {

/// y[.., o, ..] = sum over k in [offsets[o], offsets[o+1]) of weight[k] * x[.., index[k], ..]
template <class T>
std::unique_ptr<Kernel> compile(const AxisMap& p, const Operands& o) {
  const Operand &x = o.in[0], &y = o.out[0];
  require_alike("axis_map", x, y);
  const auto axis = static_cast<size_t>(p.axis);
  const Walk walk(without(y.shape, p.axis), {without(y.strides, p.axis), without(x.strides, p.axis)},
                  Walk::Order::fastest);
  return with_storage<T>(y.dtype, [&]<class E>(std::type_identity<E>) {
    return make_kernel([walk, table = p.table, y_step = y.strides[axis], x_step = x.strides[axis],
                        dtype = y.dtype](Sources in, Targets out) {
      walk.rows([&](const int64_t* at) {
        for (size_t place = 0; place < static_cast<size_t>(table->out); ++place) {
          E* dst = out_as<E>(out[0]) + at[0] + static_cast<int64_t>(place) * y_step;
          const E* src = in_as<E>(in[0]) + at[1];
          for (int64_t j = 0; j < walk.row_extent(); ++j) {
            double sum = 0;
            for (auto k = static_cast<size_t>(table->offsets[place]);
                 k < static_cast<size_t>(table->offsets[place + 1]); ++k) {
              sum += table->weight[k] * static_cast<double>(src[table->index[k] * x_step + j * walk.step(1)]);
            }
            dst[j * walk.step(0)] = to_element<E>(dtype, sum);
          }
        }
      });
    });
  });
}

template std::unique_ptr<Kernel> compile<float>(const AxisMap&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const AxisMap&, const Operands&);

}  // namespace onnxray::reference
