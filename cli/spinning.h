#pragma once

namespace onnxray::cli {

/// GNU's OpenMP lets idle threads spin for milliseconds, which takes the cores from the working ones where
/// other processes want them too (resnet50's forward pass then takes ten times as long), and it reads its
/// settings when it is loaded, before main. Starts this command again with GOMP_SPINCOUNT=1000, unless the
/// environment says how threads wait. Returns where that is so, or where the command cannot be started again.
void limit_spinning(char** argv);

}  // namespace onnxray::cli
