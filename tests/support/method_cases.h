#pragma once

#include <string>
#include <vector>

namespace onnxray::test {

enum class NetKind : uint8_t { dense, series, images };

/// Texts of methods that together ask for every program that a name, a rule, a composite or a switch can ask
/// for, as far as such a net has it: the examples of `onnxray methods`, every rule under every prefix, the
/// built-in composites. Loops are short for tiny nets; others need a `window` of about half their extents,
/// and the parameters steps and samples.
std::vector<std::string> method_cases(NetKind kind, int64_t window = 2);

}  // namespace onnxray::test
