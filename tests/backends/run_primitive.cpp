#include "tests/backends/run_primitive.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace onnxray::test {

namespace {

DType stored(DType dtype, int64_t real_size) {
  switch (storage_of(dtype)) {
    case Storage::real: return real_size == 8 ? DType::f64 : DType::f32;
    case Storage::int64: return DType::i64;
    case Storage::byte: return DType::u8;
  }
  return dtype;
}

bool is_weight(const Primitive& p, size_t input) {
  if (std::holds_alternative<SplitConvolutionInput>(p)) return input == 2;
  return input > 0 &&
         (std::holds_alternative<Convolution>(p) || std::holds_alternative<ConvolutionInput>(p) ||
          std::holds_alternative<SplitConvolution>(p));
}

Strides reversed_strides(const Shape& shape, int64_t gap) {
  Strides strides(shape.size());
  int64_t stride = gap;
  for (size_t a = 0; a < shape.size(); ++a) {
    strides[a] = stride;
    stride *= std::max<int64_t>(shape[a], 1);
  }
  return strides;
}

Strides input_strides(const PrimitiveCase& c, size_t i, Lay lay) {
  const Shape& shape = c.inputs[i].shape();
  if (lay == Lay::scattered) return reversed_strides(shape, 2);
  return lay == Lay::channels_last && !is_weight(c.primitive, i) ? channels_last_strides(shape)
                                                                 : row_major_strides(shape);
}

Strides output_strides(const PrimitiveCase& c, size_t i, Lay lay) {
  const Shape& shape = c.results[i].shape;
  if (lay == Lay::scattered) return reversed_strides(shape, 1);
  const bool weight = std::holds_alternative<ConvolutionWeight>(c.primitive);
  return lay == Lay::channels_last && !weight ? channels_last_strides(shape) : row_major_strides(shape);
}

/// Calls f(row-major index, offset) for every element.
template <class F>
void for_each_offset(const Shape& shape, const Strides& strides, F f) {
  const int64_t count = element_count(shape);
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, offset = 0;
    for (size_t a = shape.size(); a-- > 0; rest /= shape[a]) offset += rest % shape[a] * strides[a];
    f(i, offset);
  }
}

/// One operand's memory. Lanes between elements hold 0xff, a NaN as a real.
struct Memory {
  Memory(const Shape& shape, const Strides& strides, DType dtype, int64_t real_size)
      : lane(size_of(stored(dtype, real_size))), operand{shape, strides, dtype, nullptr} {
    int64_t last = 0;
    for_each_offset(shape, strides, [&](int64_t, int64_t offset) { last = std::max(last, offset); });
    bytes.assign(static_cast<size_t>((last + 1) * lane), std::byte{0xff});
  }

  void fill(const Tensor& t) {
    for_each_offset(operand.shape, operand.strides, [&](int64_t i, int64_t offset) {
      std::memcpy(bytes.data() + offset * lane, t.bytes() + i * lane, static_cast<size_t>(lane));
    });
  }

  Tensor read(int64_t real_size) const {
    Tensor t(stored(operand.dtype, real_size), operand.shape);
    std::byte* to = t.mutable_bytes();
    for_each_offset(operand.shape, operand.strides, [&](int64_t i, int64_t offset) {
      std::memcpy(to + i * lane, bytes.data() + offset * lane, static_cast<size_t>(lane));
    });
    return t;
  }

  int64_t lane;
  Operand operand;
  std::vector<std::byte> bytes;
};

}  // namespace

std::vector<Tensor> run_strided(KernelCompiler& compiler, const PrimitiveCase& c,
                                const std::vector<Strides>& in, const std::vector<Strides>& out,
                                const RunOptions& options) {
  std::vector<Memory> sources, targets;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const Tensor& x = c.inputs[i];
    sources.emplace_back(x.shape(), in[i], x.dtype(), options.real_size);
    sources.back().fill(x.dtype() == DType::boolean ? x : x.to(stored(x.dtype(), options.real_size)));
  }
  for (size_t i = 0; i < c.results.size(); ++i) {
    targets.emplace_back(c.results[i].shape, out[i], c.results[i].dtype, options.real_size);
  }
  std::vector<Operand> inputs, outputs;
  std::vector<const std::byte*> from;
  std::vector<std::byte*> to;
  for (size_t i = 0; i < sources.size(); ++i) {
    from.push_back(sources[i].bytes.data());
    inputs.push_back(sources[i].operand);
    if (options.constants && i > 0) inputs.back().constant = from.back();
  }
  for (Memory& target : targets) {
    to.push_back(target.bytes.data());
    outputs.push_back(target.operand);
  }
  const auto kernel = options.epilogue
                          ? compiler.compile_with_epilogue(c.primitive, *options.epilogue, inputs, outputs)
                          : compiler.compile(c.primitive, inputs, outputs);
  if (!kernel) return {};
  kernel->run(from, to);
  std::vector<Tensor> results;
  for (const Memory& target : targets) results.push_back(target.read(options.real_size));
  return results;
}

std::vector<Tensor> run_primitive(KernelCompiler& compiler, const PrimitiveCase& c,
                                  const RunOptions& options) {
  std::vector<Strides> in, out;
  for (size_t i = 0; i < c.inputs.size(); ++i) in.push_back(input_strides(c, i, options.lay));
  for (size_t i = 0; i < c.results.size(); ++i) out.push_back(output_strides(c, i, options.lay));
  return run_strided(compiler, c, in, out, options);
}

Tensor rectified(const Tensor& x) {
  std::vector<double> values = x.to_doubles();
  for (double& v : values) v = std::max(v, 0.0);
  return Tensor::of(x.shape(), values);
}

double dot(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) throw std::invalid_argument("dot of different shapes");
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += a.as_double(i) * b.as_double(i);
  return sum;
}

}  // namespace onnxray::test
