/// Where something was found: a place in a file the user can open, and the name of the value there.
///
/// Lines and columns count from 1; columns count Unicode scalars, as editors and compilers do.
public struct Location: Hashable, Sendable {
  /// The file as the user named it, `<stdin>`, or what else the text came from (`--set`).
  public var source: String
  /// The line, from 1; nil where the source has no lines.
  public var line: Int?
  /// The column, from 1, in Unicode scalars.
  public var column: Int?
  /// The JSON path of the value (`$.nodes["worker-1"].role`), where there is one.
  public var path: String?

  /// A place in `source`, as exact as is known.
  public init(source: String, line: Int? = nil, column: Int? = nil, path: String? = nil) {
    self.source = source
    self.line = line
    self.column = column
    self.path = path
  }
}

extension Location: CustomStringConvertible {
  /// `file:line:column`, the form that editors and CI annotations recognise.
  public var description: String {
    var text = source
    if let line { text += ":\(line)" }
    if let column { text += ":\(column)" }
    return text
  }
}
