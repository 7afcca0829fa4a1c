import Testing

/// All that boots machines, one after the other: each takes as many processors as there are.
@Suite("Virtual machines", .serialized)
enum Machines {}
