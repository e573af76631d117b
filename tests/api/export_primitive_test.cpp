#include "onnx/export/export.h"
#include "tests/api/model_file.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

namespace onnxray::test {

namespace {

/// The bytes of a program whose outputs are all written.
std::string exported(const Program& program) {
  ModelExporter exporter;
  std::vector<ModelExporter::Output> outputs;
  for (const NamedVar& output : program.outputs) outputs.push_back({output.name, output.var});
  exporter.add(program, outputs);
  return exporter.serialise("a test");
}

std::map<std::string, Tensor> run_exported(const Program& program, const std::vector<Tensor>& inputs) {
  const ModelFile file(exported(program));
  Session session(file.load(), {.backend = "reference"});
  std::map<std::string, Tensor> results;
  for (NamedTensor& output : session.run(inputs)) results.emplace(output.name, std::move(output.tensor));
  return results;
}

/// The case as a program. A max-pool's winner stays inside.
Program program_of(const PrimitiveCase& c) {
  Program program;
  Step step{c.primitive, {}, {}};
  for (const Tensor& x : c.inputs) {
    step.inputs.push_back(program.add_variable(x.shape(), x.dtype()));
    program.inputs.push_back({"x" + std::to_string(program.inputs.size()), step.inputs.back()});
  }
  for (const Result& r : c.results) step.outputs.push_back(program.add_variable(r.shape, r.dtype));
  const size_t shown = std::holds_alternative<MaxPool>(c.primitive) ? 1 : c.results.size();
  for (size_t i = 0; i < shown; ++i) program.outputs.push_back({"y" + std::to_string(i), step.outputs[i]});
  program.steps.push_back(std::move(step));
  return program;
}

/// What the case is not exported for; "" where it is.
std::string refusal(const PrimitiveCase& c) {
  if (std::holds_alternative<Noise>(c.primitive)) return "noise_file";
  // Winners that no MaxPool of the program found.
  if (std::holds_alternative<MaxPoolScatter>(c.primitive) ||
      std::holds_alternative<MaxPoolGather>(c.primitive))
    return "winners";
  return "";
}

}  // namespace

TEST_CASE("every primitive, exported and read back, computes the same") {
  for (const PrimitiveCase& c : primitive_cases()) {
    INFO(c.name << ": " << attributes_text(c.primitive));
    // A window without any element holds the lowest number of its precision: nothing to compare.
    if (c.name.find("only padding") != std::string::npos && std::holds_alternative<MaxPool>(c.primitive))
      continue;
    // Reading a file back widens half precision: f16 does not round there.
    if (c.results[0].dtype == DType::f16) continue;
    const Program program = program_of(c);
    if (const std::string why = refusal(c); !why.empty()) {
      CHECK(says(error_of([&] { exported(program); }), ErrorCode::unsupported, why));
      continue;
    }
    const Results expected = run(program, c.inputs);
    const std::map<std::string, Tensor> found = run_exported(program, c.inputs);
    // Float against double: as for the primitives themselves (tests/backends).
    for (const auto& [name, y] : expected)
      CHECK(distance(found.at(name), y) <= (is_floating(y.dtype()) ? 2e-6 : 0));
  }
}

TEST_CASE("max-pool winners are followed in the export, whatever the padding") {
  for (const WindowCase& c : pool_windows()) {
    INFO(c.name);
    Program program;
    Builder b(program);
    const Var x = b.input("x", c.x, DType::f32);
    const Builder::Pooled pooled = b.max_pool(x, c.window);
    const Var scattered = b.max_pool_scatter(b.mul(pooled.y, pooled.y), pooled.winner, c.window, c.x);
    b.output("scattered", scattered);
    b.output("gathered", b.max_pool_gather(b.mul(x, 2.0), pooled.winner, c.window));
    const std::vector<Tensor> inputs{random_tensor(c.x, 3).to(DType::f32)};
    const std::map<std::string, Tensor> found = run_exported(program, inputs);
    for (const auto& [name, y] : run(program, inputs)) CHECK(distance(found.at(name), y) <= 2e-6);
  }
}

}  // namespace onnxray::test
