#include "onnx/external_data.h"

#include <onnx/onnx_pb.h>

#include <charconv>

#include "core/fail.h"
#include "onnx/quote.h"

namespace onnxray {

namespace {

uint64_t parse_number(const onnx::StringStringEntryProto& entry, const std::string& what) {
  const std::string& text = entry.value();
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc{} && end == text.data() + text.size(), ErrorCode::bad_file,
          "the external data of {} has the {} {}, which is no byte count", what, entry.key(), quote(text));
  return value;
}

}  // namespace

ExternalLocation external_location_of(const onnx::TensorProto& proto, const std::string& what) {
  ExternalLocation result;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location")
      result.location = entry.value();
    else if (entry.key() == "offset")
      result.offset = parse_number(entry, what);
    else if (entry.key() == "length")
      result.length = parse_number(entry, what);
  }
  require(!result.location.empty(), ErrorCode::bad_file, "the external data of {} has no location", what);
  return result;
}

}  // namespace onnxray
