#include "backends/cudnn/elementwise_source.h"
#include "backends/reference/reference.h"
#include "core/error.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"
#include "tests/cudnn/device.h"

namespace onnxray::test {

namespace {

void compare_all(StagedCompiler& kernels, double tolerance) {
  const auto exact = make_reference_compiler_f64();
  for (const PrimitiveCase& c : primitive_cases()) {
    INFO(c.name << ": " << attributes_text(c.primitive));
    const std::vector<Tensor> expected = run_primitive(*exact, c, {.real_size = 8});
    for (const Lay lay : {Lay::row_major, Lay::channels_last, Lay::scattered}) {
      CAPTURE(static_cast<int>(lay));
      const std::vector<Tensor> found = run_primitive(kernels, c, {.lay = lay});
      for (size_t i = 0; i < expected.size(); ++i)
        CHECK(distance(found[i], expected[i]) <= (is_floating(c.results[i].dtype) ? tolerance : 0));
    }
  }
}

bool skips(const char* what) {
  if (has_device()) return false;
  WARN("no CUDA device: skipped " << primitive_cases().size() << " primitive cases " << what);
  return true;
}

}  // namespace

TEST_CASE("every primitive on the device gives what the double reference gives", "[gpu]") {
  if (skips("in fp32")) return;
  DeviceCompiler device;
  StagedCompiler kernels(device);
  for (const bool exact : {true, false}) {
    CAPTURE(exact);
    kernels.exact = exact;
    // Float rounds at 6e-8; the steep functions (tan, pow), and Winograd's and FFT's transforms, lose two
    // digits.
    compare_all(kernels, 1e-5);
  }
  CHECK(kernels.on_cpu == 0);
}

TEST_CASE("the interpreter gives what generated kernels give", "[gpu]") {
  if (skips("with the interpreter")) return;
  DeviceCompiler generated, interpreting(cudnn::Precision::fp32, true);
  StagedCompiler a(generated), b(interpreting);
  for (const PrimitiveCase& c : primitive_cases()) {
    if (!std::holds_alternative<Elementwise>(c.primitive)) continue;
    INFO(c.name << ": " << attributes_text(c.primitive));
    const auto x = run_primitive(a, c), y = run_primitive(b, c);
    // The two compilers contract products and sums differently.
    for (size_t i = 0; i < x.size(); ++i)
      CHECK(distance(x[i], y[i]) <= (is_floating(c.results[i].dtype) ? 1e-6 : 0));
  }
}

TEST_CASE("generated kernels and the interpreter are timed", "[.][timing]") {
  // relu(x + bias), and x > 0 ? g / (z + epsilon sign(z)) : 0, over a layer of 103 million entries.
  using enum Opcode;
  const auto in = [](int32_t i) { return Source{Source::Kind::input, i, 0}; };
  const auto t = [](int32_t i) { return Source{Source::Kind::result, i, 0}; };
  const auto number = [](double v) { return Source{Source::Kind::immediate, 0, v}; };
  const Elementwise chains[] = {
      {{Expression::Domain::real, {{add, in(0), in(1), {}}, {relu, t(0), {}, {}}}, {1}}},
      {{Expression::Domain::real,
        {{sign_positive, in(2), {}, {}},
         {mul, t(0), number(1e-6), {}},
         {add, in(2), t(1), {}},
         {div, in(0), t(2), {}},
         {less, number(0), in(2), {}},
         {select, t(4), t(3), number(0)}},
        {5}}}};
  const Shape shape{128, 256, 56, 56}, column{256, 1, 1};
  const auto operand = [](const Shape& s) { return Operand{s, row_major_strides(s), DType::f32, nullptr}; };
  for (const bool interpret : {false, true}) {
    DeviceCompiler device(cudnn::Precision::fp32, interpret);
    for (const Elementwise& chain : chains) {
      const std::vector<Operand> from{operand(shape), operand(column), operand(shape)}, to{operand(shape)};
      const auto step = device.compiler.compile(chain, {from, to});
      const int64_t bytes = element_count(shape) * 4;
      const cudnn::Memory x(bytes, cudnn::Memory::Place::device, "x"),
          z(bytes, cudnn::Memory::Place::device, "z"), y(bytes, cudnn::Memory::Place::device, "y"),
          b(1024, cudnn::Memory::Place::device, "b");
      const std::vector<const std::byte*> sources{x.data(), b.data(), z.data()};
      const std::vector<std::byte*> targets{y.data()};
      const auto launch = [&] { step->launch({device.device.stream, nullptr, nullptr}, sources, targets); };
      cudaEvent_t start = nullptr, stop = nullptr;
      cudaEventCreate(&start);
      cudaEventCreate(&stop);
      launch();
      cudaEventRecord(start, device.device.stream);
      for (int i = 0; i < 10; ++i) launch();
      cudaEventRecord(stop, device.device.stream);
      cudaEventSynchronize(stop);
      float time = 0;
      cudaEventElapsedTime(&time, start, stop);
      WARN((interpret ? "interpreted " : "generated ") << time / 10 << " ms");
      CHECK(time > 0);
    }
  }
}

TEST_CASE("reduced precision stays within its rounding", "[gpu]") {
  if (skips("in tf32 and bf16")) return;
  DeviceCompiler tf32(cudnn::Precision::tf32), bf16(cudnn::Precision::bf16);
  StagedCompiler a(tf32), b(bf16);
  compare_all(a, 2e-3);  // factors of 11 bits: 2^-11 each
  compare_all(b, 2e-2);  // factors of 8 bits: 2^-8 each
}

TEST_CASE("every elementwise chain compiles for every architecture that is shipped, without a device") {
  for (const PrimitiveCase& c : primitive_cases()) {
    const auto* p = std::get_if<Elementwise>(&c.primitive);
    if (p == nullptr) continue;
    INFO(c.name);
    std::vector<Operand> in, out;
    for (const Tensor& x : c.inputs)
      in.push_back({x.shape(), row_major_strides(x.shape()), x.dtype(), nullptr});
    for (const Result& y : c.results) out.push_back({y.shape, row_major_strides(y.shape), y.dtype, nullptr});
    const std::string text = cudnn::elementwise_source(*p, {in, out}).text;
    CHECK(cudnn::compile_to_cubin(text, "sm_90").size() > 0);
  }
}

TEST_CASE("the source of a chain does not depend on extents") {
  const Elementwise relu{
      {Expression::Domain::real, {{Opcode::relu, {Source::Kind::input, 0, 0}, {}, {}}}, {0}}};
  const auto source = [&](const Shape& shape) {
    const Operand x{shape, row_major_strides(shape), DType::f32, nullptr};
    return cudnn::elementwise_source(relu, {std::span(&x, 1), std::span(&x, 1)}).text;
  };
  CHECK(source({2, 8, 4}) == source({5, 64}));
  CHECK(source({2, 8, 4}) != source({3, 3}));  // no four neighbours: another access
}

TEST_CASE("without a device the backend says so in one line") {
  if (has_device()) return;
  try {
    const cudnn::Device device(cudnn::Precision::fp32);
    FAIL("a device was found");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find("found no device") != std::string::npos);
    CHECK(std::string(e.what()).find('\n') == std::string::npos);
  }
}

}  // namespace onnxray::test
