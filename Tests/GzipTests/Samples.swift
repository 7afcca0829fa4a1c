/// Inputs of every kind, made from a number, so that they are the same in every run.
struct Samples {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// A number below a bound: SplitMix64 (Steele, Lea and Flood, 2014), written out because goldens hang on it.
  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ mixed >> 31) % UInt64(bound))
  }

  /// Bytes with no pattern, of so many kinds.
  mutating func noise(_ count: Int, kinds: Int = 256) -> [UInt8] {
    (0..<count).map { _ in UInt8(below(kinds)) }
  }

  /// Runs of one byte, each up to so long.
  mutating func runs(_ count: Int, upTo longest: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += [UInt8](repeating: UInt8(below(256)), count: 1 + below(longest)) }
    return [UInt8](bytes.prefix(count))
  }

  /// Noise with copies of itself from any distance that DEFLATE can and cannot reach.
  mutating func echoes(_ count: Int) -> [UInt8] {
    var bytes = noise(40)
    while bytes.count < count {
      let start = bytes.count - 1 - below(min(bytes.count, 40_000))
      bytes += bytes[start..<min(bytes.count, start + below(400))] + noise(below(8))
    }
    return [UInt8](bytes.prefix(count))
  }

  /// Noise of 128 kinds, and in it 12 rare ones, each twice as frequent as the one before: without a limit, the
  /// rarest would have codes of 17 bits, where DEFLATE allows 15.
  mutating func skewed() -> [UInt8] {
    var bytes = noise(100_000, kinds: 128)
    for rank in 0..<12 { bytes += [UInt8](repeating: UInt8(128 + rank), count: 1 << rank) }
    for index in bytes.indices { bytes.swapAt(index, below(bytes.count)) }
    return bytes
  }

  /// Text like a cloud-config: units, scripts, manifests, and base64 that hides in them.
  mutating func cloudConfig(_ count: Int) -> [UInt8] {
    let nouns = "server agent token secret node cluster ingress gateway vault zone".split(separator: " ")
    let verbs = "install wait apply fetch check restart record".split(separator: " ")
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = "#cloud-config\nwrite_files:\n"
    while text.utf8.count < count {
      let noun = nouns[below(nouns.count)]
      let verb = verbs[below(verbs.count)]
      let number = below(10_000)
      switch below(6) {
      case 0:
        text += "  - path: /etc/\(noun)/\(verb)-\(number).yaml\n    permissions: '0600'\n    content: |\n"
      case 1:
        text += "      apiVersion: v1\n      kind: Secret\n      metadata:\n        name: \(noun)-\(number)\n"
        text += "        namespace: \(noun)s\n"
      case 2:
        text += "      if ! \(verb) \"$\(noun)_\(number)\"; then\n"
        text += "        echo \"\(noun): \(verb) failed\" >&2\n        return 1\n      fi\n"
      case 3:
        let value = String((0..<below(160)).map { _ in alphabet[below(64)] })
        text += "      data:\n        value: \(value)\n"
      case 4:
        text += "      [Service]\n      ExecStart=/usr/local/bin/\(verb)-\(noun) --timeout \(number)\n"
        text += "      Restart=on-failure\n"
      default:
        text += "      # \(verb) the \(noun) before the \(nouns[below(nouns.count)]) is ready\n"
      }
    }
    return [UInt8](text.utf8.prefix(count))
  }
}
