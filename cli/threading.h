#pragma once

namespace onnxray::cli {

/// GNU's OpenMP reads its settings when it is loaded, before main. Starts this command again with those that
/// suit it, unless the environment has them; returns where it does, or where the command cannot be started
/// again.
///
/// GOMP_SPINCOUNT=1000: idle threads spin for milliseconds otherwise, which takes the cores from the working
/// ones where other processes want them too (resnet50's forward pass then takes ten times as long).
///
/// OMP_PROC_BIND=true where the command uses every core: a thread that wakes after a pause may otherwise find
/// itself on the core of another until the system balances them, tens of milliseconds later. With fewer
/// threads than cores the system places them, since two commands would bind themselves to the same ones.
void settle_threads(int argc, char** argv);

}  // namespace onnxray::cli
