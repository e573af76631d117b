#pragma once

#include "rules/composite.h"

namespace onnxray {

/// {"name": "mine", "rules": [{"match": {"ops": ["Conv"], "position": "first"}, "rule": {"name": "bounded",
/// "low": -1, "high": 1}},
///                            {"match": {"class": "linear"}, "rule": "epsilon"}]}
/// Keys of match: class, ops, name, position (first|last), until, input_layer. Throws Error(usage) that says
/// what is wrong.
Composite composite_from_json(const std::string& text, const std::string& source);
/// Reads a file. Throws Error(usage) where it cannot be read.
Composite read_composite(const std::string& path);
std::string to_json(const Composite& composite);

}  // namespace onnxray
