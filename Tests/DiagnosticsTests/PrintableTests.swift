import Diagnostics
import Testing

@Suite("Text from elsewhere") struct PrintableTests {
  @Test(
    "what drives a terminal, breaks a line or cannot be seen is an escape",
    arguments: [
      ("plain ä 🙂", "plain ä 🙂"), ("\u{1B}[2J", "\\u{1b}[2J"),
      ("\u{1B}]52;c;aGk=\u{7}", "\\u{1b}]52;c;aGk=\\u{7}"),
      ("\u{9B}1m", "\\u{9b}1m"), ("a\r\nb", "a\\u{d}\\u{a}b"), ("\u{202E}gnp.exe", "\\u{202e}gnp.exe"),
      ("a\u{200B}b\u{2060}c\u{61C}", "a\\u{200b}b\\u{2060}c\\u{61c}"), ("\u{E0041}", "\\u{e0041}"),
    ])
  func printable(text: String, shown: String) {
    #expect(text.printable == shown)
    #expect(shown.printable == shown)
  }

  @Test("of several lines, their ends and tabs stay")
  func lines() {
    #expect("a\tb\r\nc\u{1B}\nd\re".printableLines == "a\tb\\u{d}\nc\\u{1b}\nd\\u{d}e")
    #expect("a\tb\n".printableLines == "a\tb\n")
    #expect("".printableLines == "")
  }

  @Test(
    "no line is a command to GitHub's runner",
    arguments: [
      ("::stop-commands::x", "\\u{3a}:stop-commands::x"),
      ("a\n  ::set-env name=A::b\n", "a\n  \\u{3a}:set-env name=A::b\n"),
      ("a ##[error]b", "a #\\u{23}[error]b"), ("a::b fd00::1", "a::b fd00::1"), ("", ""),
    ])
  func commands(text: String, shown: String) {
    #expect(text.withoutCommands == shown)
  }

  @Test(
    "in Markdown it is code, whatever it is",
    arguments: [
      ("a1 b", "<code>a1 b</code>"), ("@org/team", "<code>&#64;org&#47;team</code>"),
      (
        "![x](https://h)",
        "<code>&#33;&#91;x&#93;&#40;https&#58;&#47;&#47;h&#41;</code>"
      ), ("a|b`c", "<code>a&#124;b&#96;c</code>"),
      ("</code><b>", "<code>&#60;&#47;code&#62;&#60;b&#62;</code>"),
      ("ü\n#", "<code>ü&#92;u&#123;a&#125;&#35;</code>"),
    ])
  func markdown(text: String, shown: String) {
    #expect(text.markdownCode == shown)
  }
}
