import Foundation
import TestSupport
import Testing

/// The commands that ask a cluster, with a stand-in for kubectl.
@Suite("kubectl, as commands run it") struct KubectlTests {
  @Test(
    "What cannot be run, fails or says nonsense is never the answer that an Application is not healthy",
    arguments: [
      (
        "not there", nil, 69,
        "error: kubectl is not on this machine; install it, or see the cluster's Applications on the server with "
          + "`sudo k3s kubectl` [tool-missing]\n"
      ),
      (
        "no program", "\u{7F}ELF", 69,
        "error: kubectl cannot be run: Exec format error; look at the file that PATH leads to [tool-failed]\n"
      ),
      (
        "fails", "#!/bin/sh\necho 'no such context' >&2\nexit 1\n", 69,
        "error: kubectl get applications.argoproj.io failed: no such context; try it by hand, or name another "
          + "context or kubeconfig [kubectl-failed]\n"
      ),
      // client-go's discovery logs the same error five times before kubectl says it.
      (
        "has no cluster",
        """
        #!/bin/sh
        for n in 1 2 3 4 5; do echo "E1201 03:0$n:00.000000 1 memcache.go:265] couldn't get current server" >&2; done
        echo 'The connection to the server localhost:8080 was refused' >&2
        exit 1
        """, 69,
        "error: kubectl get applications.argoproj.io failed: The connection to the server localhost:8080 was refused; "
          + "try it by hand, or name another context or kubeconfig [kubectl-failed]\n"
      ),
      (
        "nonsense", "#!/bin/sh\necho '{}'\n", 2, nil
      ),
    ] as [(String, String?, Int32, String?)])
  func refused(what: String, program: String?, status: Int32, errors: String?) async throws {
    try await withTemporaryDirectory { folder in
      if let program {
        _ = try folder["kubectl"].holding(program)
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o755], ofItemAtPath: folder["kubectl"].path)
      }
      for command in [["status"], ["refresh", "web"]] {
        let outcome = try await Tool.k3seed(["gitops"] + command, environment: ["PATH": folder.path])
        #expect(outcome.status == status && outcome.output.isEmpty, "\(outcome.errors)")
        if let errors {
          #expect(outcome.errors == errors)
        } else {
          #expect(outcome.errors.contains(" [not-a-list]\n"), "\(outcome.errors)")
        }
      }
    }
  }

  @Test("Applications that are not healthy are 1, and those that are, 0", arguments: [true, false])
  func answered(isHealthy: Bool) async throws {
    try await withTemporaryDirectory { folder in
      let health = isHealthy ? "Healthy" : "Degraded"
      let list =
        #"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":"web","namespace":"argocd"},"spec":{},"status":{"sync":{"status":"Synced"},"health":{"status":"\#(health)"}}}]}"#
      _ = try folder["kubectl"].holding("#!/bin/sh\necho '\(list)'\n")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder["kubectl"].path)
      let outcome = try await Tool.k3seed(["gitops", "status"], environment: ["PATH": folder.path])
      #expect(outcome.status == (isHealthy ? 0 : 1), "\(outcome.errors)")
      #expect(outcome.text.contains("web") && outcome.errors.isEmpty, "\(outcome.text)")
    }
  }
}
