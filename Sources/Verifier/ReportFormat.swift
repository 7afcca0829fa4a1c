import YAML

/// A way to write a verification's report for programs or browsers.
public enum ReportFormat: String, CaseIterable, Sendable {
  /// One JSON document, as ``VerificationReport/schema`` describes it.
  case json
  /// JUnit's XML, which CI systems read.
  case junit
  /// One page for a browser.
  case html

  /// The report in this format, in UTF-8 and ended by a line feed.
  public func render(_ report: VerificationReport) -> [UInt8] {
    switch self {
    case .json: JSON.emit(report.document) + [UInt8(ascii: "\n")]
    case .junit: Array(report.junit.utf8)
    case .html: Array(report.html.utf8)
    }
  }
}
