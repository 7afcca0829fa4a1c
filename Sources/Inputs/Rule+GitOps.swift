import Diagnostics

extension Rule {
  static let acmeIssuer = oneOf("an issuer of Let's Encrypt", ["production", "staging"])
  static let acmeChallenge = oneOf("a challenge of ACME", ["dns01", "http01"])
  static let gitOpsPart = oneOf("an optional part of the GitOps tree", ["vault", "gateway", "docs"])

  /// An image's reference (distribution/reference, "Grammar") that means the same image tomorrow, or says which
  /// release it means. What such names may hold beyond that is the registry's to judge.
  static let image = Rule(
    "an image pinned by tag or digest", pattern: #"^[0-9A-Za-z][0-9A-Za-z._:/@-]*[:@][0-9A-Za-z._:-]+$"#
  ) { text in
    let parts = text.parts(between: "@")
    let path = parts[0].parts(between: "/")
    let name = path[path.count - 1].parts(between: ":")
    func isPart(_ text: String) -> Bool {
      text.utf8.first?.isAlphanumeric == true
        && text.utf8.allSatisfy { $0.isAlphanumeric || "._-".utf8.contains($0) }
    }
    func isName(_ text: String) -> Bool { isPart(text) && !text.utf8.contains(where: \.isUpper) }
    let isDigest = parts.count == 2 && parts[1].hasPrefix("sha256:") && isSHA256(parts[1].dropFirst(7))
    guard parts.count == 1 || isDigest, name.count <= 2, isName(name[0]), name.allSatisfy(isPart),
      path.dropLast().enumerated().allSatisfy({ index, part in
        index == 0
          ? registry.problem(with: part) == nil : isPart(part) && !part.utf8.contains(where: \.isUpper)
      })
    else {
      return Problem(
        "\(text.shown) is not the name of an image",
        help: "write registry/path:tag, or registry/path@sha256:… for exactly one")
    }
    guard isDigest || name.count == 2 && name[1] != "latest" else {
      return Problem(
        "\(text.shown) says no version, so what runs would change unseen",
        help: "add its tag, or @sha256: and its digest")
    }
    return nil
  }

  private static func isSHA256(_ text: Substring) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { $0.isDigit || (0x61...0x66) ~= $0 }
  }
}
