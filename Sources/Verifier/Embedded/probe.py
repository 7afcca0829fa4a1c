"""The verifier's probe: it runs in the guest, and tells what it sees."""
