#pragma once

#include "ops/expand.h"

namespace onnxray {

// What operators of old opsets meant otherwise, written in today's form. For with_old_form.

/// Binary operators before opset 7: b's first axis lies along the attribute `axis` of a, where the node asks
/// for it. Axes of extent 1 behind b's own say the same in numpy's rules.
void expand_axis_broadcast(ExpandContext& context);
/// PRelu before opset 7: a slope of C entries is one for each channel.
void expand_channel_slope(ExpandContext& context);
/// Softmax, LogSoftmax and Hardmax before opset 13: all axes from `axis` on (default 1) count as one.
void expand_flattened_softmax(ExpandContext& context);
/// BatchNormalization before opset 9: `is_test`, and statistics for each position (spatial = 0).
void expand_old_batch_normalization(ExpandContext& context);

}  // namespace onnxray
