#pragma once

#include "cli/image.h"
#include "cli/planes.h"

namespace onnxray::cli {

/// Diverging colours of the sum over channels divided by its largest |value|, height x width pixels.
/// All zeros give the neutral colour.
Image heatmap(const Planes& attribution, int64_t height, int64_t width);

/// The same laid over a gray `input` of any size; where the attribution is 0 the input shows.
Image heatmap_over(const Image& input, const Planes& attribution);

}  // namespace onnxray::cli
