#include "core/contract.h"

#include "core/fail.h"

namespace onnxray {

void check_contract(const Program& program, const Step& step) {
  std::visit([&](const auto& primitive) { contract::check(primitive, Operands(program, step)); },
             step.primitive);
}

void Operands::expect_counts(size_t fewest, size_t most, size_t results) const {
  for (const auto* list : {&step_.inputs, &step_.outputs}) {
    for (const Var v : *list) require(static_cast<bool>(v), ErrorCode::bad_file, "an operand is missing");
  }
  require(inputs() >= fewest && inputs() <= most && outputs() == results, ErrorCode::bad_file,
          "{} of {} operands with {} results", name_of(step_.primitive), inputs(), outputs());
}

size_t Operands::expect_axis(int64_t axis, const Shape& shape) const {
  expect(axis >= 0 && axis < std::ssize(shape), "there is no such axis");
  return static_cast<size_t>(axis);
}

void Operands::expect_rank(size_t entries, const Shape& shape) const {
  expect(entries == shape.size(), "the ranks differ");
}

void Operands::refuse(std::string_view what) const {
  std::vector<std::string> from, to;
  for (size_t i = 0; i < inputs(); ++i) from.push_back(to_string(in(i)));
  for (size_t i = 0; i < outputs(); ++i) to.push_back(to_string(out(i)));
  fail(ErrorCode::bad_file, "{} {} of {} to {} does not fit: {}", name_of(step_.primitive),
       attributes_text(step_.primitive), fmt::join(from, ", "), fmt::join(to, ", "), what);
}

}  // namespace onnxray
