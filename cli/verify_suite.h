#pragma once

#include "cli/options.h"

namespace onnxray::cli {

/// One comparison: an explanation, the array that it should equal, and how closely.
struct VerifyCase {
  Options options;
  std::string reference;
  double tolerance = 1e-5;
};

/// Whether `verify` is given a suite, not a model.
bool is_suite(const Options& options);

/// The rows of a suite (docs/cli.md), with the session that `options` ask for where a row says nothing else.
/// Paths are relative to the suite. Throws Error(bad_file) that names the place of what is wrong; a suite
/// without rows is wrong, too.
std::vector<VerifyCase> read_suite(const Options& options);

}  // namespace onnxray::cli
