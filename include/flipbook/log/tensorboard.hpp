// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <flipbook/log/appended.hpp>
#include <flipbook/log/event.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Logs to a folder that TensorBoard shows (`tensorboard --logdir FOLDER`): losses as scalars, images as PNG, clips as
/// animated GIF. Each log writes its own file, `events.out.tfevents.TIME.HOST.PROCESS.NUMBER`. So does a resumed run,
/// and TensorBoard drops what the previous run wrote of the same steps.
class TensorBoardLog {
 public:
  /// @throws Error  if the folder or the file cannot be written: names it
  explicit TensorBoardLog(const std::filesystem::path& folder)
      : file_((detail::make_log_folder(folder), opened(folder))) {
    add(event().bytes(3, "brain.Event:2"));
  }
  void losses(Index step, const Losses& values) {
    Message summary;
    for (const auto& [name, value] : values)
      summary.message(1, Message().bytes(1, name).number(2, static_cast<float>(value)));
    add(step, summary);
  }
  void picture(Index step, const std::string& name, const LoggedPicture& picture) {
    Message image;
    image.integer(1, picture.height).integer(2, picture.width).integer(3, picture.channels);  // 1: grey, 3: RGB
    image.bytes(4, {reinterpret_cast<const char*>(picture.file.data()), picture.file.size()});
    add(step, Message().message(1, Message().bytes(1, name).message(4, image)));
  }
  void flush() { file_.sync(); }

 private:
  using Message = detail::ProtoMessage;

  static Message event() { return Message().number(1, detail::unix_time()); }

  static detail::AppendedFile opened(const std::filesystem::path& folder) {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {"localhost"};
    const auto time = static_cast<long long>(detail::unix_time());
    for (int number = 0; number < 1000; ++number) {
      const auto path = folder / text("events.out.tfevents.", time, ".", std::string_view(host.data()), ".",
                                      static_cast<long long>(::getpid()), ".", number);
      if (!std::filesystem::exists(path)) return {path, O_EXCL};
    }
    fail("log: ", detail::quoted(folder), " has a thousand logs of this second");
  }

  void add(Index step, const Message& summary) {
    if (!std::exchange(began_, true)) add(event().integer(2, step).message(7, Message().integer(1, 1)));  // a session
    add(event().integer(2, step).message(5, summary));
  }
  void add(const Message& event) { file_.add(detail::framed(event.bytes())); }

  detail::AppendedFile file_;
  bool began_ = false;
};

}  // namespace flipbook
