#include "onnx/embedded_weights.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <onnx/onnx_pb.h>

#include <functional>

namespace onnxray {

namespace {

using google::protobuf::internal::WireFormatLite;
using Bytes = std::span<const std::byte>;

/// One field of a message (protobuf's "Encoding"): a tag, a length where the type has one, and the content.
struct Field {
  int number = 0;
  bool has_length = false;
  Bytes whole, content;
};

/// Calls `visit` with the fields of `message` in order. False where it is malformed, or `visit` says so.
bool visit_fields(Bytes message, const std::function<bool(const Field&)>& visit) {
  const auto size = static_cast<int>(message.size());
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(message.data()), size);
  while (stream.CurrentPosition() < size) {
    const auto begin = static_cast<size_t>(stream.CurrentPosition());
    const uint32_t tag = stream.ReadTag();
    if (tag == 0) return false;
    Field field;
    field.number = WireFormatLite::GetTagFieldNumber(tag);
    field.has_length = WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    size_t content = begin;
    if (field.has_length) {
      uint32_t length = 0;
      if (!stream.ReadVarint32(&length)) return false;
      content = static_cast<size_t>(stream.CurrentPosition());
      if (length > message.size() - content || !stream.Skip(static_cast<int>(length))) return false;
    } else if (!WireFormatLite::SkipField(&stream, tag)) {
      return false;
    }
    const auto end = static_cast<size_t>(stream.CurrentPosition());
    field.whole = message.subspan(begin, end - begin);
    field.content = message.subspan(content, end - content);
    if (!visit(field)) return false;
  }
  return true;
}

void append(std::string& out, Bytes bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void append_varint(std::string& out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_field(std::string& out, int number, std::string_view content) {
  append_varint(out, WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  append_varint(out, static_cast<uint32_t>(content.size()));
  out.append(content);
}

bool holds_typed_data(int field_number) {
  using T = onnx::TensorProto;
  switch (field_number) {
    case T::kFloatDataFieldNumber:
    case T::kInt32DataFieldNumber:
    case T::kStringDataFieldNumber:
    case T::kInt64DataFieldNumber:
    case T::kDoubleDataFieldNumber:
    case T::kUint64DataFieldNumber: return true;
    default: return false;
  }
}

/// Appends `tensor` without its raw data, which it returns. A small tensor, and one whose values are not its
/// raw data alone, is appended whole.
Bytes append_lean_tensor(std::string& out, Bytes tensor) {
  constexpr size_t kSmall = 4096;
  Bytes raw;
  std::string rest;
  const bool is_lean = tensor.size() > kSmall && visit_fields(tensor, [&](const Field& field) {
                         if (holds_typed_data(field.number)) return false;
                         if (!field.has_length || field.number != onnx::TensorProto::kRawDataFieldNumber) {
                           append(rest, field.whole);
                           return true;
                         }
                         const bool is_first = raw.empty();
                         raw = field.content;
                         return is_first && raw.size() > kSmall;
                       });
  if (is_lean && !raw.empty()) {
    append_field(rest, onnx::TensorProto::kRawDataFieldNumber, "");  // it still has raw data
    append_field(out, onnx::GraphProto::kInitializerFieldNumber, rest);
    return raw;
  }
  append_field(out, onnx::GraphProto::kInitializerFieldNumber,
               {reinterpret_cast<const char*>(tensor.data()), tensor.size()});
  return {};
}

bool append_lean_graph(LeanModel& model, Bytes graph) {
  std::string lean;
  const bool is_sound = visit_fields(graph, [&](const Field& field) {
    if (field.has_length && field.number == onnx::GraphProto::kInitializerFieldNumber)
      model.weights.push_back(append_lean_tensor(lean, field.content));
    else
      append(lean, field.whole);
    return true;
  });
  append_field(model.bytes, onnx::ModelProto::kGraphFieldNumber, lean);
  return is_sound;
}

}  // namespace

std::optional<LeanModel> without_weights(Bytes model) {
  LeanModel lean;
  const bool is_sound = visit_fields(model, [&](const Field& field) {
    if (field.has_length && field.number == onnx::ModelProto::kGraphFieldNumber)
      return append_lean_graph(lean, field.content);
    append(lean.bytes, field.whole);
    return true;
  });
  return is_sound ? std::optional(std::move(lean)) : std::nullopt;
}

}  // namespace onnxray
