#pragma once

#include <algorithm>

#include "backends/reference/reference.h"
#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray::test {

/// How many steps of a primitive there are.
inline int64_t count(const Program& program, std::string_view primitive) {
  return std::ranges::count_if(program.steps,
                               [&](const Step& step) { return name_of(step.primitive) == primitive; });
}

inline std::vector<Tensor> run(Program program, const std::vector<Tensor>& inputs) {
  const auto backend = make_reference_backend(true);
  return backend->compile(make_plan(std::move(program), backend->plan_options()))->run(inputs);
}

/// Runs a pass and checks that it left the results alone.
template <class Pass>
Program changed_by(Program program, const std::vector<Tensor>& inputs, Pass pass) {
  const std::vector<Tensor> before = run(program, inputs);
  pass(program);
  const std::vector<Tensor> after = run(program, inputs);
  REQUIRE(before.size() == after.size());
  for (size_t i = 0; i < before.size(); ++i) CHECK(before[i].to_doubles() == after[i].to_doubles());
  return program;
}

}  // namespace onnxray::test
