#include "backends/reference/element.h"
#include "backends/reference/kernels.h"
#include "backends/reference/strided.h"
#include "core/counter_rng.h"

namespace onnxray::reference {

template <class T>
std::unique_ptr<Kernel> compile(const Noise& p, const Operands& o) {
  const Operand &sample = o.in[0], &y = o.out[0];
  require(storage_of(sample.dtype) == Storage::int64 && is_floating(y.dtype), ErrorCode::unsupported,
          "noise of {} for a sample number of {}", name_of(y.dtype), name_of(sample.dtype));
  const Walk walk(y.shape, {y.strides});
  return make_kernel([walk, kind = p.kind, seed = p.seed, each = element_count(p.shape), sample](
                         Sources in, Targets out) {
    // Sample numbers and elements in row-major order, however they lie.
    const Walk numbers(sample.shape, {sample.strides});
    std::vector<int64_t> number;
    numbers.rows([&](const int64_t* at) {
      for (int64_t j = 0; j < numbers.row_extent(); ++j)
        number.push_back(in_as<int64_t>(in[0])[at[0] + j * numbers.step(0)]);
    });
    std::array<double, 2> draws{};
    int64_t n = 0, element = 0;
    walk.rows([&](const int64_t* at) {
      for (int64_t j = 0; j < walk.row_extent(); ++j) {
        if (element % 2 == 0) {
          const int64_t of = number[static_cast<size_t>(n)];
          draws = kind == Noise::Kind::normal ? normal_pair(seed, of, element / 2)
                                              : uniform_pair(seed, of, element / 2);
        }
        out_as<T>(out[0])[at[0] + j * walk.step(0)] = static_cast<T>(draws[static_cast<size_t>(element % 2)]);
        if (++element < each) continue;
        element = 0;
        ++n;
      }
    });
  });
}

template std::unique_ptr<Kernel> compile<float>(const Noise&, const Operands&);
template std::unique_ptr<Kernel> compile<double>(const Noise&, const Operands&);

}  // namespace onnxray::reference
