package import Diagnostics

/// One HTML page that loads nothing and can be read without a script: the frame and the look that all pages share.
package struct Page {
  /// A part of the page with a heading, to which its navigation leads.
  package struct Section {
    let id: String
    let title: String
    let content: Markup

    package init(id: String, title: String, content: Markup) {
      self.id = id
      self.title = title
      self.content = content
    }
  }

  /// A script that the page's policy lets run, and no other: it goes by the hash.
  package struct Script {
    let text: String
    let sha256: String

    /// - Parameter sha256: of the text, in base64.
    package init(_ text: String, sha256: String) {
      self.text = text
      self.sha256 = sha256
    }
  }

  private let title: String
  private let tone: String
  private let icon: String?
  private let style: String
  private let script: Script?
  private let header: Markup
  private let sections: [Section]
  private let footer: Markup

  /// - Parameters:
  ///   - title: what the browser's window is called after.
  ///   - tone: the class of the page, which sets the colours of its header: `pass`, `fail` or `warn`.
  ///   - icon: a picture for the browser's tab, as a `data:` address.
  ///   - style: what this page's stylesheet has beside the common one.
  ///   - script: the page's own.
  ///   - header: what stands above the navigation.
  ///   - sections: the page itself.
  ///   - footer: its last line.
  package init(
    title: String, tone: String, icon: String? = nil, style: String, script: Script? = nil,
    header: Markup, sections: [Section], footer: Markup
  ) {
    self.title = title
    self.tone = tone
    self.icon = icon
    self.style = style
    self.script = script
    self.header = header
    self.sections = sections
    self.footer = footer
  }

  /// The page as text.
  package var html: String {
    let page: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(Markup(trusted: policy))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="referrer" content="no-referrer">
      <title>\(title)</title>
      \(icon.map { "<link rel=\"icon\" href=\"\($0)\">\n" })<style>
      \(Markup(trusted: EmbeddedFiles.all.first { $0.name == "page.css" }?.text ?? ""))\(Markup(trusted: style))</style>
      </head>
      <body class="\(tone)">
      <svg class="defs" aria-hidden="true" focusable="false">
      \(Markup.symbols, each: { "<symbol id=\"\($0.name)\" viewBox=\"0 0 16 16\"><path d=\"\($0.path)\"/></symbol>\n" })\
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0v6"/></pattern>
      </svg>
      <a class="skip-link" href="#main">To the content</a>
      <header>
      \(header)\(sections.count < 2 ? nil : navigation)</header>
      <main id="main">
      \(sections, each: { """
      <section id="\($0.id)" aria-labelledby="\($0.id)-title">
      <h2 id="\($0.id)-title">\($0.title)</h2>
      \($0.content)</section>

      """ })</main>
      <footer>\(footer)</footer>
      \(script.map { "<script>\(Markup(trusted: $0.text))</script>\n" })</body>
      </html>

      """
    return page.text
  }

  /// What the browser may load and run: nothing but what stands in the page, and no script but its own, so that a text
  /// could do nothing even if it broke out of its place.
  private var policy: String {
    var rules = ["default-src 'none'", "style-src 'unsafe-inline'"]
    if let script { rules.append("script-src 'sha256-\(script.sha256)'") }
    if icon != nil { rules.append("img-src data:") }
    return (rules + ["base-uri 'none'", "form-action 'none'"]).joined(separator: "; ")
  }

  private var navigation: Markup {
    """
    <nav aria-label="On this page">
    \(sections, each: { "<a href=\"#\($0.id)\">\($0.title)</a>\n" })</nav>

    """
  }
}

extension Markup {
  /// A symbol of the page, as large as the text beside it, which must say the same.
  package static func icon(_ symbol: String) -> Markup {
    "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\"><use href=\"#\(symbol)\"/></svg>"
  }

  /// The symbols: lines in a square of 16.
  fileprivate static let symbols: [(name: String, path: String)] = [
    ("pass", "M3 8.5l3.2 3.2L13 4.8"),
    ("fail", "M4 4l8 8M12 4l-8 8"),
    ("warn", "M8 3v6M8 12.4v.2"),
    ("unknown", "M5.2 5.6C5.2 2 10.8 2 10.8 5.6 10.8 8 8 7.6 8 10M8 12.8v.1"),
    ("skip", "M4 8h8"),
    ("power", "M8 2v6M4.6 4.2a5.4 5.4 0 1 0 6.8 0"),
    ("folder", "M1.8 4h4.4l1.5 1.8h6.5v7.4H1.8z"),
    ("file", "M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2"),
    ("lock", "M3.8 7.4h8.4v6.4H3.8zM5.4 7.4V5a2.6 2.6 0 0 1 5.2 0v2.4"),
    ("vault", "M5.2 8.6a2.6 2.6 0 1 1 0 .1zM10.4 8.6h4.2M12.8 8.6v2.4"),
  ]
}
