/// What a guest reaches besides the other machines of its cluster.
public enum GuestNetwork: String, CaseIterable, Sendable {
  /// Its seed, and the mirror beside that.
  case seed
  /// Whatever this host reaches: the internet, and also the host's own loopback (as `10.0.2.2`, in a cluster
  /// `192.0.2.2`), its LAN and the metadata service of the cloud that it is in.
  case host

  /// What it comes to, in words that go on from the machine's description.
  var summary: String {
    switch self {
    case .seed: "no network but its seed"
    case .host: "network open: internet, this host's loopback and LAN"
    }
  }
}
