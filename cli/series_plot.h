#pragma once

#include "cli/image.h"
#include "cli/planes.h"

namespace onnxray::cli {

/// Curves of a series, one strip per channel, coloured by relevance on a lighter band of the same colours.
/// Relevance is divided by its largest |value| over all channels; one channel of it serves all curves.
/// Without an input (no values) the relevance itself is drawn.
Image plot_series(const Planes& input, const Planes& relevance);

}  // namespace onnxray::cli
