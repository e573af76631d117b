#pragma once

namespace onnxray::onednn {

/// Tells whether oneDNN may have lost a NaN. Its Relu and its clip are the processor's maximum and minimum,
/// which make the bound of a NaN and raise the invalid flag of their thread. No kernel of ours leaves that
/// flag raised (KeptInvalidFlag), so one look at the flags of all threads behind a run costs next to nothing,
/// and finds every loss. The run is then made again, with cuts of our own.
struct NanWatch {
  bool is_needed = false;   ///< a kernel of the plan may lose NaNs
  bool was_raised = false;  ///< one may have, since the last look that found this
  bool keeps_nan = false;   ///< kernels shall keep every NaN from here on

  /// Looks behind one primitive where threads might take their flags with them: OpenMP ends threads that the
  /// next primitive has no work for, which is only possible with three and more.
  void look_behind_step();
  /// Looks at the flags of every thread, and lowers them.
  void look();
};

}  // namespace onnxray::onednn
