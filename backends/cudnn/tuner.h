#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backends/cudnn/device.h"

namespace onnxray::cudnn {

/// One way to compute a step.
struct Candidate {
  std::string name;       ///< what the cache remembers
  int64_t workspace = 0;  ///< bytes
  std::function<void(const Launch&)> launch;
};

/// Times the ways to compute a step once and remembers the fastest, also on disk, so that later runs choose
/// alike without timing. Every candidate must be deterministic.
class Tuner {
 public:
  /// `cache`: a text file, one line per choice; empty for none.
  Tuner(Device& device, std::string cache);
  ~Tuner();
  Tuner(const Tuner&) = delete;
  Tuner& operator=(const Tuner&) = delete;

  /// The index of the fastest candidate that launches, or -1. `key` names the problem in full.
  int choose(const std::string& key, const std::vector<Candidate>& candidates);

  /// Candidates that need more scratch than this should not be offered.
  int64_t workspace_limit() const;

 private:
  Device& device_;
  std::string cache_;
  std::map<std::string, std::string> choices_;  // key -> candidate's name
  Memory workspace_;
  cudaEvent_t start_ = nullptr, stop_ = nullptr;

  float milliseconds(const Candidate& candidate);
  void remember(const std::string& key, const std::string& name);
};

/// $XDG_CACHE_HOME/onnxray/cudnn-algorithms.txt, or the same under ~/.cache; empty where neither is set.
std::string default_tuner_cache();

}  // namespace onnxray::cudnn
