#pragma once

#include "methods/method.h"

namespace onnxray {

/// The value that Grad-CAM weights. By default the result of the last layer that has several places in space
/// or time and leads to what the target indexes: a convolution with what is done to it place by place
/// (normalisation, activation, residual sum, concatenation); `activation=before` takes the last convolution's
/// own output. The choice is an assumption. `layer` names a node, a value or a module path; with `after`, a
/// convolution stands for the activation that follows it. Throws Error(usage) where nothing fits,
/// Error(unsupported) where the model has no such layer.
ValueId cam_layer(const MethodSpec& method, const MethodContext& context);

}  // namespace onnxray
