public import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A real etcd and a real kube-apiserver on the loopback, for tests of what Kubernetes accepts and answers.
///
/// There is no controller and no kubelet: objects stay as they are written. The server is older than K3s' own
/// (`make lab` builds it of what Debian has).
public struct ApiServer: Sendable {
  /// The folder with `etcd` and `kube-apiserver`; nil where there is none.
  public static let programs: URL? = ProcessInfo.processInfo.environment["K3SEED_LAB"].map {
    URL(fileURLWithPath: $0).appendingPathComponent("control-plane")
  }.flatMap { FileManager.default.isExecutableFile(atPath: $0.path + "/kube-apiserver") ? $0 : nil }

  /// Whether one can be started here; for `.enabled(if:)`.
  public static let isHere = programs != nil && Tool.has("kubectl") && Tool.has("openssl")
  /// What kubectl reads; for its owner alone.
  public let kubeconfig: String

  /// Runs kubectl as the cluster's administrator.
  public func kubectl(_ arguments: [String], input: [UInt8] = []) async throws -> Tool.Outcome {
    try await Tool.run(["kubectl", "--kubeconfig", kubeconfig] + arguments, input: input)
  }
}

/// What went wrong with it, with the end of its log.
public struct ApiServerError: Error, CustomStringConvertible {
  /// What went wrong.
  public var description: String
}

/// Runs a body with a new, empty cluster that has these CustomResourceDefinitions, and ends it afterwards.
public func withApiServer<Value>(
  crds: [URL] = [], _ body: (ApiServer) async throws -> Value
) async throws -> Value {
  guard let programs = ApiServer.programs else { throw ApiServerError(description: "there is no API server") }
  return try await withTemporaryDirectory { folder in
    let (port, clients, peers) = try (freePort(), freePort(), freePort())
    let path = { (name: String) in folder.appendingPathComponent(name).path }
    _ = try await Tool.run(["openssl", "genrsa", "-out", path("sa.key"), "2048"])
    _ = try await Tool.run(["openssl", "rsa", "-in", path("sa.key"), "-pubout", "-out", path("sa.pub")])
    try Data("lab-token,admin,admin,system:masters\n".utf8).write(to: folder.appendingPathComponent("tokens"))
    try Data(
      """
      {"apiVersion": "v1", "kind": "Config", "current-context": "lab",
       "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:\(port)", "insecure-skip-tls-verify": true}}],
       "users": [{"name": "admin", "user": {"token": "lab-token"}}],
       "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}]}

      """.utf8
    ).write(to: folder.appendingPathComponent("kubeconfig"))
    let server = ApiServer(kubeconfig: path("kubeconfig"))

    let etcd = "http://127.0.0.1:\(clients)"
    let peer = "http://127.0.0.1:\(peers)"
    let leashes = [
      try start(
        programs.appendingPathComponent("etcd"), log: folder.appendingPathComponent("etcd.log"),
        [
          "--data-dir", path("etcd"), "--unsafe-no-fsync=true",
          "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
          "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
          "--initial-cluster", "default=\(peer)",
        ]),
      try start(
        programs.appendingPathComponent("kube-apiserver"), log: folder.appendingPathComponent("server.log"),
        [
          "--etcd-servers", etcd, "--cert-dir", path("certificates"),
          "--bind-address", "127.0.0.1", "--secure-port", "\(port)",
          "--advertise-address", "10.0.2.10", "--service-cluster-ip-range", "10.43.0.0/16",
          "--token-auth-file", path("tokens"), "--authorization-mode", "RBAC",
          "--disable-admission-plugins", "ServiceAccount",
          "--service-account-issuer", "https://kubernetes.default.svc",
          "--service-account-key-file", path("sa.pub"), "--service-account-signing-key-file", path("sa.key"),
        ]),
    ]
    defer { for leash in leashes { try? leash.close() } }

    let deadline = Date(timeIntervalSinceNow: 180)
    while true {
      let answer = try await server.kubectl(["get", "namespace", "default", "-o", "name"])
      if answer.status == 0 { break }
      guard Date() < deadline else {
        let log = try String(contentsOf: folder.appendingPathComponent("server.log"), encoding: .utf8)
        throw ApiServerError(
          description: "the API server does not answer: \(answer.errors)\(log.suffix(2_000))")
      }
      // It takes ten seconds on a quiet machine, and nothing says when it is ready: it is asked twice a second.
      try await Task.sleep(for: .milliseconds(500))
    }
    if !crds.isEmpty {
      let made = try await server.kubectl(["create", "--validate=false"] + crds.flatMap { ["-f", $0.path] })
      guard made.status == 0 else { throw ApiServerError(description: made.errors) }
      for remaining in (0..<20).reversed() {
        let waited = try await server.kubectl([
          "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all",
        ])
        if waited.status == 0 { break }
        guard remaining > 0 else { throw ApiServerError(description: waited.errors) }
        // kubectl fails where an object has no conditions yet, which it has a moment later.
        try await Task.sleep(for: .milliseconds(250))
      }
    }
    return try await body(server)
  }
}

/// Starts a program that lives until the returned end of a pipe is closed, at the latest when the tests end.
///
/// A signal would not do: what a thread of the concurrency runtime starts has them blocked.
private func start(_ program: URL, log: URL, _ arguments: [String]) throws -> FileHandle {
  _ = FileManager.default.createFile(atPath: log.path, contents: nil)
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments =
    ["-c", #""$@" & cat >/dev/null; kill -KILL $!"#, "sh", program.path] + arguments
  process.standardOutput = try FileHandle(forWritingTo: log)
  process.standardError = process.standardOutput
  process.standardInput = pipe
  try process.run()
  return pipe.fileHandleForWriting
}

/// A TCP port of the loopback that nobody uses now.
private func freePort() throws -> Int {
  let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(handle) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let status = withUnsafeMutableBytes(of: &address) { raw in
    raw.withMemoryRebound(to: sockaddr.self) { pointer -> Int32 in
      guard let base = pointer.baseAddress, bind(handle, base, length) == 0 else { return -1 }
      return getsockname(handle, base, &length)
    }
  }
  guard handle >= 0, status == 0 else { throw ApiServerError(description: "no free port") }
  return Int(UInt16(bigEndian: address.sin_port))
}
