#include "api/plugin_loader.h"
#include "core/builder.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {

namespace {

Error trouble(const std::string& path, const PluginOptions& options = {}) {
  return error_of([&] { load_backend_from(path, options); });
}

}  // namespace

TEST_CASE("a plug-in takes a program and runs it") {
  const auto backend = load_backend_from(ONNXRAY_FAKE_PLUGIN, {});
  CHECK(backend->name() == "fake");
  Program program;
  Builder b(program);
  const Var x = b.input("x", {2, 3}, DType::f32);
  program.outputs.push_back({"y", b.matmul(x, b.constant(Tensor::of<float>({3, 1}, {1, 2, 3})))});
  const auto executable = backend->compile(make_plan(program, backend->plan_options()));
  const Tensor y = executable->run(std::vector{Tensor::of<float>({2, 3}, {1, 0, 0, 0, 1, 1})})[0];
  CHECK(y.to_doubles() == std::vector<double>{1, 5});
}

TEST_CASE("a plug-in of another build is refused before it is called") {
  CHECK(says(trouble(ONNXRAY_FOREIGN_PLUGIN), ErrorCode::usage, "built for another onnxray"));
}

TEST_CASE("an absent plug-in, a library that is none and a missing device are answers of one line") {
  CHECK(says(trouble("/nowhere/libonnxray_cudnn.so"), ErrorCode::usage,
             "no plug-in /nowhere/libonnxray_cudnn.so"));
  CHECK(says(trouble("libm.so.6"), ErrorCode::usage, "not an onnxray plug-in"));
  CHECK(says(trouble(ONNXRAY_FAKE_PLUGIN, {"tf32"}), ErrorCode::failed, "found no device"));
}

}  // namespace onnxray::test
