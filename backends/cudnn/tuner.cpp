#include "backends/cudnn/tuner.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/error.h"

namespace onnxray::cudnn {

Tuner::Tuner(Device& device, std::string cache) : device_(device), cache_(std::move(cache)) {
  check(cudaEventCreate(&start_), "making an event");
  check(cudaEventCreate(&stop_), "making an event");
  std::ifstream in(cache_);
  for (std::string line; std::getline(in, line);) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) choices_[line.substr(0, tab)] = line.substr(tab + 1);
  }
}

Tuner::~Tuner() {
  cudaEventDestroy(start_);
  cudaEventDestroy(stop_);
}

int64_t Tuner::workspace_limit() const {
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for free memory");
  constexpr int64_t kMost = int64_t{4} << 30;
  return std::min(kMost, static_cast<int64_t>(free / 4) + workspace_.size());
}

int Tuner::choose(const std::string& problem, const std::vector<Candidate>& candidates) {
  const std::string key = device_.description + ", " + problem;
  if (const auto it = choices_.find(key); it != choices_.end()) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (candidates[i].name == it->second) return static_cast<int>(i);
    }
  }
  float best = std::numeric_limits<float>::infinity();
  int winner = -1;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const float time = candidates.size() == 1 ? 0 : milliseconds(candidates[i]);
    if (time >= best) continue;
    best = time;
    winner = static_cast<int>(i);
  }
  if (winner >= 0) remember(key, candidates[static_cast<size_t>(winner)].name);
  return winner;
}

/// The faster of two measurements after one run to warm up; infinite where the candidate refuses.
float Tuner::milliseconds(const Candidate& candidate) {
  if (candidate.workspace > workspace_.size()) {
    workspace_ = {};
    workspace_ = Memory(candidate.workspace, Memory::Place::device, "timing algorithms");
  }
  const Launch launch{device_.stream, workspace_.data(), nullptr};
  const auto time = [&](int runs) {
    check(cudaEventRecord(start_, device_.stream), "timing");
    for (int i = 0; i < runs; ++i) candidate.launch(launch);
    check(cudaEventRecord(stop_, device_.stream), "timing");
    check(cudaEventSynchronize(stop_), "timing");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start_, stop_), "timing");
    return milliseconds / static_cast<float>(runs);
  };
  try {
    time(1);
    // Short ones in a row, so that the gap between launches, which a replay does not have, counts little.
    constexpr float kShort = 0.3f;
    const float once = time(1);
    return once < kShort ? time(10) : std::min(once, time(1));
  } catch (const Error&) {
    return std::numeric_limits<float>::infinity();
  }
}

void Tuner::remember(const std::string& key, const std::string& name) {
  choices_[key] = name;
  if (cache_.empty()) return;
  std::error_code ignored;  // a cache that cannot be written only costs time
  std::filesystem::create_directories(std::filesystem::path(cache_).parent_path(), ignored);
  std::ofstream(cache_, std::ios::app) << key << '\t' << name << '\n';
}

std::string default_tuner_cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/onnxray/cudnn-algorithms.txt";
  if (home != nullptr && *home != '\0') return std::string(home) + "/.cache/onnxray/cudnn-algorithms.txt";
  return {};
}

}  // namespace onnxray::cudnn
