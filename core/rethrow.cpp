#include "core/rethrow.h"

#include <new>

#include "core/fail.h"

namespace onnxray {

void rethrow_as_error(std::string_view where) {
  const std::string start = where.empty() ? "" : fmt::format("{}: ", where);
  try {
    throw;
  } catch (const Error& error) {
    if (where.empty()) throw;
    throw Error(error.code(), start + error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::unsupported, "{}it needs more memory than there is; give it smaller or fewer inputs",
         start);
  } catch (const std::exception& error) {
    fail(ErrorCode::bad_file, "{}the model does not fit together ({})", start, error.what());
  }
}

}  // namespace onnxray
