import FuzzReaders

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which reader is fuzzed: the variable K3SEED_FUZZ_READER.
private let reader: Reader = {
  let name = getenv("K3SEED_FUZZ_READER").map { String(cString: $0) } ?? ""
  guard let reader = Reader(rawValue: name) else {
    fatalError("K3SEED_FUZZ_READER is one of \(Reader.allCases.map(\.rawValue).joined(separator: ", "))")
  }
  return reader
}()

/// What libFuzzer calls with each input (LLVM's documentation, "libFuzzer").
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  reader.read(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
