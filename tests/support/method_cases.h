#pragma once

#include <string>
#include <vector>

namespace onnxray::test {

enum class NetKind : uint8_t { dense, series, images };

/// Texts of methods that together ask for every program that a name, a rule, a composite or a switch can ask
/// for, as far as such a net has it: the examples of `onnxray methods`, every rule under every prefix, the
/// built-in composites. Loops are short.
std::vector<std::string> method_cases(NetKind kind);

}  // namespace onnxray::test
