import Foundation
import TestSupport
import Testing

@Suite("Memory with secrets in it") struct MemoryTests {
  /// What drops the superuser's rights, where the tests have them: they would pass every limit.
  private static let unprivileged = geteuid() == 0 ? "setpriv --bounding-set=-all --inh-caps=-all" : ""

  @Test(
    "It cannot be dumped or read by other processes of the user",
    .enabled(
      if: FileManager.default.fileExists(atPath: "/proc/self/stat") && Tool.has("setpriv"),
      "there is no /proc, or no setpriv"))
  func dumps() async throws {
    // The kernel gives the files of a process that must not be dumped to root (proc(5)); while it waits for its input.
    let user = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : ""
    let script = """
      cp "$k3seed" "$1/program" && chmod 755 "$1" "$1/program" && mkfifo -m 666 "$1/input"
      \(user) "$1/program" preview <"$1/input" >/dev/null 2>&1 &
      exec 3>"$1/input"
      for i in $(seq 300); do
        # As root, what starts the program is root's as well.
        if [ "$(stat -c %u "/proc/$!/environ")" = 0 ] &&
          { [ "$(id -u)" != 0 ] || [ "$(readlink "/proc/$!/exe")" = "$1/program" ]; }; then
          echo hidden
          break
        fi
        sleep 0.1
      done
      exec 3>&-
      wait
      """
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.shell(script, [folder.path])
      #expect(outcome.text == "hidden\n", "\(outcome.text)\(outcome.errors)")
    }
  }

  @Test(
    "Where it cannot be locked, that is said, and the work is done",
    .enabled(if: Tool.has("setpriv") || geteuid() != 0, "setpriv is not installed"))
  func locks() async throws {
    let script = "ulimit -l 0 && \(Self.unprivileged) \"$k3seed\" preview"
    let outcome = try await Tool.shell(script, input: Array(json(project).utf8))
    #expect(outcome.status == 0 && !outcome.output.isEmpty)
    #expect(
      outcome.errors
        == "warning: secrets could not be locked in memory, and may have been written to swap; allow more locked memory, with ulimit -l [memory-lock]\n",
      "\(outcome.errors)")
    let locked = try await Tool.k3seed(["preview"], input: json(project))
    #expect(locked.errors.isEmpty)
  }
}
