import Foundation
import TestSupport
import Testing

@Suite("k3seed diff")
struct DiffTests {
  @Test("The exit code says whether they differ, whatever the format")
  func codes() async throws {
    try await withTemporaryDirectory { folder in
      let old = folder.appendingPathComponent("old").path
      try "#cloud-config\npackages: [a]\n".write(toFile: old, atomically: true, encoding: .utf8)
      let same = try await Tool.k3seed(["diff", old, "-"], input: "#cloud-config\npackages: [a]\n")
      #expect(same.status == 0 && same.text == "the same bytes\n" && same.errors.isEmpty)

      let new = "#cloud-config\npackages: [a, b]\n"
      let text = try await Tool.k3seed(["diff", old, "-", "--platform", "aws"], input: new)
      #expect(text.status == 1 && text.errors.isEmpty)
      #expect(
        text.text == """
          changed packages  (packages)
              $[1]  added

          1 place differs, for nodes that boot with it: what runs already is not changed; on aws Terraform stops and starts the instance, or replaces it with user_data_replace_on_change

          """)
      let json = try await Tool.k3seed(["diff", old, "-", "--format", "json"], input: new)
      #expect(json.status == 1)
      #expect(
        json.text == """
          {"schema":2,"same":false,"effect":"new-nodes","platform":null,"replaces":null,"shown":"structure","sections":[{"place":"packages","stage":"packages","kind":"changed","effect":"new-nodes","changes":[{"path":"$[1]","kind":"added","old":null,"new":null}]}]}

          """)
      let markdown = try await Tool.k3seed(["diff", "-", old, "--format", "markdown"], input: new)
      #expect(markdown.status == 1 && markdown.text.contains("```text\n$[1]  removed\n```"))
      let content = try await Tool.k3seed(
        ["diff", "-", old, "--format", "markdown", "--content"], input: new)
      #expect(content.status == 1 && content.text.contains("```diff\n- $[1]: b\n```"))
      let values = try await Tool.k3seed(["diff", "-", old, "--format", "json", "--content"], input: new)
      #expect(values.text.contains(#"{"path":"$[1]","kind":"removed","old":"b","new":null}"#))
    }
  }

  @Test("What cannot be read is exit code 2, and nothing is printed")
  func refusals() async throws {
    let missing = try await Tool.k3seed(["diff", "/nowhere/x", "-"], input: "#!/bin/sh\n")
    #expect(missing.status == 2 && missing.output.isEmpty && missing.errors.contains("/nowhere/x"))
    let twice = try await Tool.k3seed(["diff", "-", "-"])
    #expect(twice.status == 64 && twice.output.isEmpty)
  }
}
