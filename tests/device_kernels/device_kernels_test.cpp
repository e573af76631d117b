#include <cstring>

#include "backends/cudnn/step.h"
#include "backends/reference/reference.h"
#include "core/error.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

// The device's kernels compiled for the host, where each runs as a loop: their index arithmetic and their
// mathematics, without a device.

namespace onnxray::cudnn {

std::shared_ptr<const std::byte> upload(const void* data, size_t bytes) {
  const auto copy = std::make_shared<std::vector<std::byte>>(bytes);
  std::memcpy(copy->data(), data, bytes);
  return {copy, copy->data()};
}

}  // namespace onnxray::cudnn

namespace onnxray::test {

namespace {

class KernelOnHost final : public Kernel {
 public:
  explicit KernelOnHost(std::unique_ptr<cudnn::DeviceStep> step)
      : step_(std::move(step)), workspace_(static_cast<size_t>(step_->workspace_bytes())) {}
  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    step_->launch({nullptr, workspace_.data(), &fault_}, in, out);
    if (fault_ != 0) throw Error(ErrorCode::failed, "an index outside");
  }

 private:
  std::unique_ptr<cudnn::DeviceStep> step_;
  std::vector<std::byte> workspace_;
  int fault_ = 0;
};

class CompilerOnHost final : public KernelCompiler {
 public:
  std::unique_ptr<Kernel> compile(const Primitive& primitive, std::span<const Operand> in,
                                  std::span<const Operand> out) override {
    auto step = cudnn::compile_own_kernel(primitive, {in, out});
    REQUIRE(step != nullptr);
    return std::make_unique<KernelOnHost>(std::move(step));
  }
};

}  // namespace

TEST_CASE("the device's kernels give what the double reference gives, in every layout") {
  CompilerOnHost kernels;
  const auto exact = make_reference_compiler_f64();
  for (const PrimitiveCase& c : primitive_cases()) {
    INFO(c.name << ": " << attributes_text(c.primitive));
    const std::vector<Tensor> expected = run_primitive(*exact, c, {.real_size = 8});
    for (const Lay lay : {Lay::row_major, Lay::channels_last, Lay::scattered}) {
      const std::vector<Tensor> found = run_primitive(kernels, c, {.lay = lay});
      // Float rounds at 6e-8; the chains and the steep functions (tan, pow, exp) amplify that a little.
      for (size_t i = 0; i < expected.size(); ++i)
        CHECK(distance(found[i], expected[i]) <= (is_floating(c.results[i].dtype) ? 2e-6 : 0));
    }
  }
}

TEST_CASE("rows long enough to be cut into parts sum to the same") {
  CompilerOnHost kernels;
  const auto exact = make_reference_compiler_f64();
  const Tensor x = random_tensor({3, 20000}, 1), whole = random_integers({3, 20000}, 2, -9, 9);
  for (const auto kind : {Reduce::Kind::sum, Reduce::Kind::max, Reduce::Kind::min}) {
    for (const std::vector<int64_t>& axes : {std::vector<int64_t>{1}, {0, 1}}) {
      for (const Tensor& t : {x, whole}) {
        const PrimitiveCase c =
            make_case("reduce", {t}, [&](Builder& b, const auto& v) { b.reduce(kind, v[0], axes); });
        // Sums are in double or int64: only the last rounding to float remains.
        CHECK(distance(run_primitive(kernels, c)[0], run_primitive(*exact, c, {.real_size = 8})[0]) <= 1e-6);
      }
    }
  }
}

TEST_CASE("an index outside its tensor raises the fault flag, and nothing outside is touched") {
  CompilerOnHost kernels;
  const Tensor x = random_tensor({3, 2}, 1), u = random_tensor({2, 2}, 2), zeros(DType::i64, {2, 2});
  std::vector<PrimitiveCase> cases{
      make_case("gather", {x, zeros}, [](Builder& b, const auto& v) { b.gather(v[0], v[1], 0); }),
      make_case("gather_adjoint", {random_tensor({2, 2, 2}, 3), zeros},
                [](Builder& b, const auto& v) { b.gather_adjoint(v[0], v[1], 0, 3); }),
      make_case("gather_elements", {x, zeros},
                [](Builder& b, const auto& v) { b.gather_elements(v[0], v[1], 0); }),
      make_case("scatter_elements", {x, zeros, u},
                [](Builder& b, const auto& v) {
                  b.scatter_elements(ScatterElements::Kind::add, v[0], v[1], v[2], 0);
                }),
      make_case("ravel_index", {zeros},
                [](Builder& b, const auto& v) {
                  b.ravel_index(v[0], {3, 3});
                }),
  };
  for (PrimitiveCase& c : cases) {
    INFO(c.name);
    CHECK_NOTHROW(run_primitive(kernels, c));
    for (const int64_t outside : {3L, -4L, int64_t{1} << 40}) {
      c.inputs[c.inputs.size() == 1 ? 0 : 1] = Tensor::of<int64_t>({2, 2}, {0, outside, 1, 0});
      CHECK_THROWS_AS(run_primitive(kernels, c), Error);
    }
  }
}

TEST_CASE("more axes than a kernel takes are left to the CPU") {
  const Shape shape(10, 2);
  std::vector<int64_t> reversed{9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  const Operand x{shape, row_major_strides(shape), DType::f32, nullptr};
  CHECK(cudnn::compile_own_kernel(Transpose{reversed}, {std::span(&x, 1), std::span(&x, 1)}) == nullptr);
}

}  // namespace onnxray::test
