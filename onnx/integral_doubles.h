#pragma once

#include "core/graph.h"

namespace onnxray {

/// For a backend whose reals are floats: doubles that hold integers on their way from integers to integers
/// (Cast to double, arithmetic, Cast back, or a comparison) become i64, which keeps them exact. Every value
/// of `graph` must have a type. Values that are not on such a way stay.
void keep_integers_exact(Graph& graph);

}  // namespace onnxray
