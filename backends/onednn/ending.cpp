#include "backends/onednn/ending.h"

#include <limits>

namespace onnxray::onednn {

namespace {

bool is_zero(const Source& s) { return s.kind == Source::Kind::immediate && s.value == 0; }

/// Of a Relu or a clip of `x` from 0: its cap; unset for any other instruction.
std::optional<float> clip_from_zero(const Instruction& i, const Source& x) {
  const bool is_rectifier =
      (i.op == Opcode::relu && i.a == x) ||
      (i.op == Opcode::max && ((i.a == x && is_zero(i.b)) || (is_zero(i.a) && i.b == x)));
  if (is_rectifier) return std::numeric_limits<float>::infinity();
  const bool caps = i.op == Opcode::clip && i.a == x && is_zero(i.b) && i.c.kind == Source::Kind::immediate &&
                    i.c.value > 0;
  return caps ? std::optional(static_cast<float>(i.c.value)) : std::nullopt;
}

}  // namespace

std::optional<Ending> ending_of(const Expression& e) {
  const Source x{Source::Kind::input, 0, 0}, r{Source::Kind::input, 1, 0}, sum{Source::Kind::result, 0, 0};
  const auto size = static_cast<int32_t>(e.code.size());
  if (e.domain != Expression::Domain::real || size == 0 || e.results != std::vector{size - 1}) return {};
  const Instruction& start = e.code[0];
  Ending ending;
  ending.adds = start.op == Opcode::add && ((start.a == x && start.b == r) || (start.a == r && start.b == x));
  if (size > (ending.adds ? 2 : 1)) return {};
  if (ending.adds && size == 1) return ending;
  ending.cap = clip_from_zero(e.code.back(), ending.adds ? sum : x);
  return ending.cap ? std::optional(ending) : std::nullopt;
}

}  // namespace onnxray::onednn
