#pragma once

#include "methods/method.h"

namespace onnxray {

/// The value that Grad-CAM weights. By default the last convolution's following activation; residual
/// additions, batch normalisation, Dropout and Identity may lie between. `layer` names a node, a value or a
/// module path; `activation=before` takes the convolution's own output. Throws Error(usage) where nothing
/// fits.
ValueId cam_layer(const MethodSpec& method, const Graph& graph, const OpRegistry& ops);

}  // namespace onnxray
