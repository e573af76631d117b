#include "backends/cudnn/elementwise_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/opcode_math_text.h"
#include "backends/loop_nest.h"

namespace onnxray::cudnn {

namespace {

constexpr int64_t kWidth = 4;  // elements per thread where they lie side by side: one 16-byte access

std::string_view storage_name(DType dtype) {
  switch (storage_of(dtype)) {
    case Storage::real: return "float";
    case Storage::int64: return "Whole";
    case Storage::byte: return "unsigned char";
  }
  return "float";
}

class Writer {
 public:
  Writer(const Elementwise& p, const Operands& o) : expression_(p.expression), o_(o) {
    if (o.in.size() + o.out.size() > kMostOperands) throw std::length_error("too many operands");
    std::vector<Strides> strides;
    for (const Operand& y : o.out) strides.push_back(y.strides);
    for (const Operand& x : o.in)
      strides.push_back(broadcast_strides(x.shape, x.strides, o.out[0].shape.size()));
    walk_ = collapse(o.out[0].shape, strides, LoopOrder::memory);
    if (walk_.extents.size() > kMostAxes) throw std::length_error("too many axes");
    width_ = vectorises() ? kWidth : 1;
  }

  ElementwiseSource write() {
    return {std::string(kOpcodeMathText) + "namespace onnxray::cudnn {\n" + arguments_text() + kernel_text() +
                "}\n",
            arguments()};
  }

 private:
  size_t outer_axes() const { return walk_.extents.size() - 1; }
  bool is_real() const { return expression_.domain == Expression::Domain::real; }
  std::string_view domain() const { return is_real() ? "float" : "Whole"; }
  const Operand& operand(size_t set) const {
    return set < o_.out.size() ? o_.out[set] : o_.in[set - o_.out.size()];
  }
  bool is_flat(size_t set) const {
    return std::ranges::all_of(walk_.strides[set], [](int64_t s) { return s == 0; });
  }

  /// Whether kWidth neighbours along the innermost axis are neighbours in memory, and every access is aligned
  /// to them.
  bool vectorises() const {
    if (walk_.extents.back() % kWidth != 0) return false;
    return std::ranges::all_of(walk_.strides, [](const Strides& set) {
      if (set.back() != 0 && set.back() != 1) return false;
      return set.back() == 0 ||
             std::all_of(set.begin(), set.end() - 1, [](int64_t s) { return s % kWidth == 0; });
    });
  }

  ElementwiseArguments arguments() const {
    ElementwiseArguments a{};
    a.count = element_count(o_.out[0].shape) / width_;
    for (size_t i = 0; i < walk_.extents.size(); ++i) a.extents[i] = walk_.extents[i];
    a.extents[outer_axes()] /= width_;
    for (size_t s = 0; s < walk_.strides.size(); ++s) {
      for (size_t i = 0; i < walk_.extents.size(); ++i) a.strides[s][i] = walk_.strides[s][i];
    }
    return a;
  }

  static std::string arguments_text() {
    return fmt::format(
        "struct ElementwiseArguments {{ const void* in[{0}]; void* out[{0}]; long long count; long long "
        "extents[{1}]; "
        "long long strides[{0}][{1}]; }};\n"
        "struct alignas(16) Float4 {{ float v[4]; }};\n"
        "struct alignas(4) Byte4 {{ unsigned char v[4]; }};\n"
        "struct alignas(16) Whole4 {{ Whole v[4]; }};\n",
        kMostOperands, kMostAxes);
  }

  std::string kernel_text() const {
    const bool narrow = element_count(o_.out[0].shape) < (int64_t{1} << 31);
    std::string text = fmt::format(
        "extern \"C\" __global__ void __launch_bounds__(256) chain(const __grid_constant__ "
        "ElementwiseArguments a) {{\n"
        "  using I = {};\n"
        "  long long i = (long long)blockIdx.x * 256 + threadIdx.x;\n  if (i >= a.count) return;\n  I rest = "
        "(I)i;\n",
        narrow ? "unsigned" : "unsigned long long");
    for (size_t axis = walk_.extents.size(); axis-- > 1;) {
      text += fmt::format("  const I p{0} = rest % (I)a.extents[{0}]; rest /= (I)a.extents[{0}];\n", axis);
    }
    text += "  const I p0 = rest;\n";
    for (size_t s = 0; s < walk_.strides.size(); ++s) text += offset_text(s);
    for (size_t k = 0; k < o_.in.size(); ++k) text += load_text(k);
    for (size_t k = 0; k < o_.out.size(); ++k)
      text += fmt::format("  {} y{}[{}];\n", storage_name(o_.out[k].dtype), k, width_);
    text += fmt::format("#pragma unroll\n  for (int j = 0; j < {}; ++j) {{\n", width_);
    for (size_t n = 0; n < expression_.code.size(); ++n) text += instruction_text(n);
    for (size_t k = 0; k < o_.out.size(); ++k) text += fmt::format("    y{}[j] = {};\n", k, stored_text(k));
    text += "  }\n";
    for (size_t k = 0; k < o_.out.size(); ++k) text += store_text(k);
    return text + "}\n";
  }

  std::string offset_text(size_t s) const {
    std::string sum = "0";
    for (size_t axis = 0; axis < walk_.extents.size(); ++axis) {
      if (walk_.strides[s][axis] == 0) continue;
      if (axis == outer_axes() && walk_.strides[s][axis] == 1)
        sum += fmt::format(" + (long long)p{} * {}", axis, width_);
      else
        sum += fmt::format(" + (long long)p{0} * a.strides[{1}][{0}]", axis, s) +
               (axis == outer_axes() && width_ > 1 ? fmt::format(" * {}", width_) : "");
    }
    return fmt::format("  const long long o{} = {};\n", s, sum);
  }

  std::string_view vector_name(DType dtype) const {
    switch (storage_of(dtype)) {
      case Storage::real: return "Float4";
      case Storage::int64: return "Whole4";
      case Storage::byte: return "Byte4";
    }
    return "Float4";
  }

  std::string load_text(size_t k) const {
    const size_t s = o_.out.size() + k;
    const std::string_view type = storage_name(o_.in[k].dtype);
    if (width_ == 1 || walk_.strides[s].back() == 0)
      return fmt::format("  const {1} x{0} = ((const {1}*)a.in[{0}])[o{2}];\n", k, type, s);
    return fmt::format("  const {1} x{0} = *(const {1}*)((const {2}*)a.in[{0}] + o{3});\n", k,
                       vector_name(o_.in[k].dtype), type, s);
  }

  std::string store_text(size_t k) const {
    const std::string_view type = storage_name(o_.out[k].dtype);
    if (width_ == 1) return fmt::format("  (({1}*)a.out[{0}])[o{0}] = y{0}[0];\n", k, type);
    std::string parts;
    for (int64_t j = 0; j < width_; ++j) parts += fmt::format("{}y{}[{}]", j > 0 ? ", " : "", k, j);
    return fmt::format("  *({1}*)(({2}*)a.out[{0}] + o{0}) = {1}{{{{{3}}}}};\n", k,
                       vector_name(o_.out[k].dtype), type, parts);
  }

  std::string read_text(const Source& source) const {
    switch (source.kind) {
      case Source::Kind::result: return fmt::format("t{}", source.index);
      case Source::Kind::immediate: return number_text(source.value);
      case Source::Kind::input: break;
    }
    const auto k = static_cast<size_t>(source.index);
    const bool vector = width_ > 1 && walk_.strides[o_.out.size() + k].back() != 0;
    const std::string x = fmt::format("x{}{}", k, vector ? ".v[j]" : "");
    if (!is_real() && storage_of(o_.in[k].dtype) == Storage::real)
      return fmt::format("truncated((double){})", x);
    return fmt::format("({}){}", domain(), x);
  }

  std::string number_text(double value) const {
    if (!is_real()) {
      // The smallest number has no literal.
      if (std::isnan(value)) return "Whole{0}";
      if (value >= 9223372036854775808.0) return "0x7fffffffffffffffLL";
      if (value <= -9223372036854775808.0) return "(-0x7fffffffffffffffLL - 1)";
      return fmt::format("Whole{{{}LL}}", static_cast<int64_t>(value));
    }
    const auto single = static_cast<float>(value);
    if (std::isnan(single)) return "__int_as_float(0x7fc00000)";
    if (std::isinf(single))
      return single > 0 ? "__int_as_float(0x7f800000)" : "__int_as_float((int)0xff800000)";
    return fmt::format("{:a}f", single);
  }

  std::string instruction_text(size_t n) const {
    const Instruction& instruction = expression_.code[n];
    std::string call = read_text(instruction.a);
    if (arity(instruction.op) > 1) call += ", " + read_text(instruction.b);
    if (arity(instruction.op) > 2) call += ", " + read_text(instruction.c);
    return fmt::format("    const {} t{} = op_{}({});\n", domain(), n, name_of(instruction.op), call);
  }

  /// The result as output k holds it (core/dtype.h).
  std::string stored_text(size_t k) const {
    const DType dtype = o_.out[k].dtype;
    const std::string t = fmt::format("t{}", expression_.results[k]);
    if (is_floating(dtype)) return "(float)" + t;
    if (dtype == DType::boolean) return t + " != 0";
    const std::string whole = is_real() ? fmt::format("truncated((double){})", t) : t;
    if (dtype == DType::u8) return "(unsigned char)" + whole;
    const StoreAs as = store_as(dtype);
    return fmt::format("wrap({}, {}, {})", as.bits, as.is_signed, whole);
  }

  const Expression& expression_;
  const Operands& o_;
  LoopNest walk_;  // sets: outputs, then inputs
  int64_t width_ = 1;
};

}  // namespace

ElementwiseSource elementwise_source(const Elementwise& p, const Operands& o) { return Writer(p, o).write(); }

}  // namespace onnxray::cudnn
