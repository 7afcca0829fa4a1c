import Diagnostics

/// Text of a template that another program was to render, and of which the rules look at what they can.
enum TemplateText {
  /// Whether a text holds what only a renderer replaces, so that nothing is known of its value.
  static func isUnknown(_ text: String) -> Bool {
    text.utf8.contains { $0 == UInt8(ascii: "{") || $0 == 0xEF }
      && (text.holds("${") || text.holds("{{") || text.holds("{%") || text.holds("%{")
        || text.unicodeScalars.contains(JinjaTemplate.unknown))
      || text.hasPrefix("<%")
  }

  /// Whether a script has tags of a template in it, so that no shell can read it before it is rendered: directives, and
  /// what stands between `${` and `}` for Terraform alone.
  static func isForeign(_ text: String) -> Bool {
    guard text.holds("${") || text.holds("{%") || text.holds("%{") || text.holds("<%") else { return false }
    return text.holds("{%") || text.contains(/%\{~?\s*(?:if|for|else|endif|endfor)\b/)
      || text.contains(/<%[=-]?\s/)
      || text.contains(/\$\{~?\s*(?:[A-Za-z_]\w*(?:\(|\.[A-Za-z_]|\s)|")/)
  }

  /// A text of which a template's tags are masked, so that what is left may be YAML.
  struct Masked {
    /// Directives (`{% … %}`, `%{ … }`, `{# … #}`, `<% … %>`) are spaces. Values (`{{ … }}`, and `${ … }` in a list or
    /// mapping of one line) are unknown, and so is what a directive within a value chooses.
    let text: String
    /// Whether lines are masked that may become keys or items, so that what seems to lack may be there.
    let hidesLines: Bool
  }

  /// Masks the tags of a text.
  static func masked(_ text: String) -> Masked {
    var output = Array(text.unicodeScalars)
    let count = output.count
    func has(_ mark: String, _ index: Int) -> Bool {
      let wanted = mark.unicodeScalars
      return index + wanted.count <= count && output[index..<index + wanted.count].elementsEqual(wanted)
    }
    let forms: [(open: String, close: String, isValue: Bool)] = [
      ("{%", "%}", false), ("{#", "#}", false), ("%{", "}", false), ("<%", "%>", false), ("{{", "}}", true),
    ]
    func isDigit(_ index: Int) -> Bool { ("0"..."9").contains(output[index]) }
    // Up to where no tag of a form ends, so that nothing is searched twice.
    var searched: [String: Int] = [:]
    var index = 0
    var isLineStart = true
    var hidesLines = false
    while index < count {
      if let form = forms.first(where: { has($0.open, index) }) {
        var end = max(index + 2, searched[form.open] ?? 0)
        // A tag stands on one line, or on a few.
        while end < count, end < index + 2000, !has(form.close, end) { end += 1 }
        searched[form.open] = end
        if end < count, has(form.close, end) {
          end += form.close.unicodeScalars.count
          // Go has directives in the form of values, on lines of their own.
          let isAlone = isLineStart && (end == count || output[end] == "\n")
          if form.isValue, isAlone { hidesLines = true }
          for place in index..<end where output[place] != "\n" {
            output[place] = form.isValue && !isAlone ? JinjaTemplate.unknown : " "
          }
          // A directive before a word of a value chooses that word.
          if !form.isValue, !isLineStart, end < count, output[end].properties.isAlphabetic || isDigit(end) {
            output[end - 1] = JinjaTemplate.unknown
          }
          index = end
          continue
        }
      }
      if isLineStart, has("${", index) {
        var end = index
        while end < count, output[end] != "\n" { end += 1 }
        if output[end - 1] == "}" {
          hidesLines = true
          for place in index..<end { output[place] = " " }
        }
        index = end
        continue
      }
      if has("${", index), let end = endOfItem(output, from: index) {
        for place in index..<end { output[place] = JinjaTemplate.unknown }
        index = end
        continue
      }
      isLineStart = output[index] == "\n" || isLineStart && output[index] == " "
      index += 1
    }
    return Masked(text: String(String.UnicodeScalarView(output)), hidesLines: hidesLines)
  }

  /// The end of `${ … }` that stands as a whole item in a list or mapping of one line; nil where it does not.
  private static func endOfItem(_ text: [Unicode.Scalar], from start: Int) -> Int? {
    let line = text[start...].prefix { $0 != "\n" }
    guard let before = text[..<start].last(where: { $0 != " " }), ":,[{".unicodeScalars.contains(before),
      let end = line.firstIndex(of: "}"), let after = line[(end + 1)...].first(where: { $0 != " " }),
      ",]}".unicodeScalars.contains(after)
    else { return nil }
    return end + 1
  }
}
