public import Diagnostics
import Inputs
public import Plan
import YAML

/// What two pieces of user-data do differently, by meaning and not by bytes, with every secret taken out.
///
/// Both may be of any origin and in any encoding. What only looks different (another compression, other comments,
/// another order of keys) is no difference of what a node does.
public struct Comparison: Sendable {
  /// What a difference means for nodes.
  public enum Effect: Int, Comparable, Sendable {
    /// No node does anything differently.
    case cosmetic
    /// A node that boots with it for the first time does something else.
    case newNodes

    /// Whether one means less than the other.
    public static func < (one: Effect, other: Effect) -> Bool { one.rawValue < other.rawValue }
  }

  /// One value that differs.
  public struct Change: Hashable, Sendable {
    /// Where it is within its place: a JSON path, the name of a variable, or the number of a line.
    public var path: String
    /// What it was, as it may be shown; nil where it was not.
    public var old: String?
    /// What it is, as it may be shown; nil where it is not.
    public var new: String?

    /// Whether it differs in what may not be shown.
    public var isHidden: Bool { old != nil && old == new }
  }

  /// A place of the user-data in which something differs: a file, or a module of cloud-init.
  public struct Section: Hashable, Sendable {
    /// The file's path, or the key of the cloud-config.
    public var place: String
    /// The stage of k3seed's bootstrap, or the module of cloud-init, that makes use of it.
    public var stage: String
    /// What it means.
    public var effect: Effect
    /// Whether all of it is new, or is there no more; nil where it was and is there.
    public var isAdded: Bool?
    /// What differs.
    public var changes: [Change]
    /// Why it is compared line by line, and not by what it means.
    public var reason: String? = nil
  }

  /// Whether both are the same bytes.
  public let isSame: Bool
  /// Where something differs, in the order of the new one, then what is there no more.
  public let sections: [Section]
  /// The platform that it is for: what was asked for, or what a payload of k3seed says itself.
  public let platform: Platform?

  /// What all the differences mean together.
  public var effect: Effect { sections.map(\.effect).max() ?? .cosmetic }

  /// Compares user-data.
  ///
  /// - Parameters:
  ///   - old, new: what is compared, with what findings call it.
  ///   - platform: where it is delivered; nil leaves it to the payload.
  /// - Throws: a report where one of them cannot be read.
  public init(
    _ old: (bytes: [UInt8], source: String), _ new: (bytes: [UInt8], source: String),
    platform: Platform? = nil
  ) throws(Report) {
    var report = Report()
    var before = report.collect { () throws(Report) in try Self.places(old.bytes, old.source) }
    var after = report.collect { () throws(Report) in try Self.places(new.bytes, new.source) }
    // What can be read on one side only is compared as a text.
    if before?.isReadable != after?.isReadable {
      before = report.collect { () throws(Report) in try Self.places(old.bytes, old.source, asText: true) }
      after = report.collect { () throws(Report) in try Self.places(new.bytes, new.source, asText: true) }
    }
    guard let before, let after else { throw report }
    isSame = old.bytes == new.bytes
    sections = Self.sections(before, after)
    self.platform = platform ?? after.platform ?? before.platform
  }
}

extension Comparison {
  /// A value, and what of it may be shown: trees of one shape.
  struct Pair: Hashable {
    var value: Node
    var shown: Node
  }

  /// Something that has a place of its own.
  enum Content: Hashable {
    case tree(Pair)
    /// A text, line by line, with what of each may be shown; nil where nothing may.
    case text([UInt8], shown: [String]?)
    /// A file, with its mode, owner and the like.
    indirect case file(attributes: Pair, content: Content)
  }

  struct Place: Hashable {
    var name: String
    var stage: String
    var content: Content
    /// Why a cloud-config is taken for a text.
    var reason: String? = nil
  }

  struct Places {
    var all: [Place] = []
    var platform: Platform?
    /// Whether every cloud-config could be read.
    var isReadable: Bool { all.allSatisfy { $0.reason == nil } }
  }
}
