#pragma once

#include <string>
#include <string_view>

namespace onnxray {

/// Lower case without '_', '-', '.': "EpsilonPlusFlat" and "epsilon_plus_flat" are one name, as are
/// "Alpha1Beta0", "alpha_1_beta_0" and "alpha1beta0".
inline std::string plain_name(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != '.') text += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return text;
}

}  // namespace onnxray
