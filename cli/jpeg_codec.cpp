#include "cli/jpeg_codec.h"

#include <csetjmp>
#include <cstdio>
#include <cstring>
// jpeglib.h needs size_t and FILE from <cstdio>.
#include <jerror.h>
#include <jpeglib.h>

#include "cli/exif.h"
#include "core/fail.h"

namespace onnxray::cli {
namespace {

// The smallest file of a plain picture has about this many pixels per byte; beyond it a file lies.
constexpr size_t kMaxPixelsPerByte = 2048;

constexpr int kExifMarker = JPEG_APP0 + 1;

/// libjpeg's state. An error leaves libjpeg by longjmp, which skips destructors; so everything that owns
/// memory lives here, outside of the guarded part.
struct JpegReader {
  explicit JpegReader(std::span<const uint8_t> bytes) {
    info.err = jpeg_std_error(&errors);
    info.client_data = this;
    errors.error_exit = on_error;
    errors.emit_message = on_message;
    input = bytes;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  static void on_error(j_common_ptr common) {
    auto* self = static_cast<JpegReader*>(common->client_data);
    common->err->format_message(common, self->message);
    std::longjmp(self->jump, 1);
  }

  /// A file that ends early would be filled up with gray; other warnings do no harm.
  static void on_message(j_common_ptr common, int level) {
    if (level == -1 && common->err->msg_code == JWRN_JPEG_EOF) on_error(common);
  }

  /// Every scan of a progressive file goes over the whole picture, however few bytes it has.
  static void on_progress(j_common_ptr common) {
    constexpr int kMostScans = 500;
    const auto* info = reinterpret_cast<const jpeg_decompress_struct*>(common);
    if (info->input_scan_number <= kMostScans) return;
    auto* self = static_cast<JpegReader*>(common->client_data);
    std::strcpy(self->message, "it has more than 500 scans");
    std::longjmp(self->jump, 1);
  }

  std::span<const uint8_t> input;
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";
  jpeg_progress_mgr progress{};
  Bytes pixels;
};

/// Calls `step`, which must own nothing, and turns a jump out of libjpeg into an Error.
template <class Step>
void guarded(JpegReader& reader, const std::string& name, Step step) {
  if (setjmp(reader.jump) == 0) {
    step(reader);
    return;
  }
  fail(ErrorCode::bad_file, "'{}' is not a readable JPEG file: {}", name, reader.message);
}

void read_header(JpegReader& reader) {
  jpeg_decompress_struct& info = reader.info;
  jpeg_create_decompress(&info);
  reader.progress.progress_monitor = JpegReader::on_progress;
  info.progress = &reader.progress;
  jpeg_mem_src(&info, reader.input.data(), reader.input.size());
  jpeg_save_markers(&info, kExifMarker, 0xffff);
  jpeg_read_header(&info, TRUE);
  const bool four = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = info.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
  jpeg_calc_output_dimensions(&info);
}

void read_rows(JpegReader& reader) {
  jpeg_decompress_struct& info = reader.info;
  jpeg_start_decompress(&info);
  const size_t row_bytes = size_t{info.output_width} * static_cast<size_t>(info.output_components);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = reader.pixels.data() + info.output_scanline * row_bytes;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
}

int orientation_of(const jpeg_decompress_struct& info) {
  for (const jpeg_marker_struct* m = info.marker_list; m != nullptr; m = m->next) {
    const int orientation = m->marker == kExifMarker ? exif_orientation({m->data, m->data_length}) : 1;
    if (orientation != 1) return orientation;
  }
  return 1;
}

/// Adobe writes inverted CMYK; others are turned first.
Bytes cmyk_to_rgb(const Bytes& cmyk, bool inverted) {
  Bytes rgb(cmyk.size() / 4 * 3);
  for (size_t i = 0; i < cmyk.size() / 4; ++i) {
    const int flip = inverted ? 0 : 255;
    const int key = cmyk[4 * i + 3] ^ flip;
    for (size_t c = 0; c < 3; ++c)
      rgb[3 * i + c] = static_cast<uint8_t>(((cmyk[4 * i + c] ^ flip) * key + 127) / 255);
  }
  return rgb;
}

}  // namespace

bool is_jpeg(std::span<const uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name) {
  JpegReader reader(bytes);
  guarded(reader, name, read_header);
  const size_t count = size_t{reader.info.output_width} * reader.info.output_height;
  require(count / kMaxPixelsPerByte <= bytes.size(), ErrorCode::bad_file,
          "'{}' is not a readable JPEG file: it is too small for its {} x {} pixels", name,
          reader.info.output_height, reader.info.output_width);
  check_size_of_picture(reader.info.output_height, reader.info.output_width, bytes.size(), name);
  const int components = reader.info.out_color_components;
  const int orientation = orientation_of(reader.info);  // the markers go when the rows have been read
  reader.pixels.resize(count * static_cast<size_t>(components));
  guarded(reader, name, read_rows);
  Image image;
  image.height = reader.info.output_height;
  image.width = reader.info.output_width;
  image.channels = components == 1 ? 1 : 3;
  image.pixels =
      components == 4 ? cmyk_to_rgb(reader.pixels, reader.info.saw_Adobe_marker) : std::move(reader.pixels);
  return as_seen(std::move(image), orientation, name);
}

}  // namespace onnxray::cli
