"""Tries the probe's mask with secrets and surroundings made at random: no form of any may get past it.

Usage: masking.py PROBE SEED
"""

import base64
import importlib.util
import json
import random
import sys
import urllib.parse

spec = importlib.util.spec_from_file_location("probe", sys.argv[1])
probe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(probe)
chance = random.Random(int(sys.argv[2]))
ALPHABETS = [
    bytes(range(256)), bytes(range(32, 127)), b"abcdefghijklmnopqrstuvwxyz0123456789",
    "aé\u00ff\U0001f600 \"\\/<>&=+%\n".encode()]


def noise(most):
    # A stray percent sign just before a value makes it no URL form that anybody could decode.
    return bytes(chance.choice(ALPHABETS[1].replace(b"%", b"")) for _ in range(chance.randrange(most)))


def encodings(secret):
    """What programs make of a value: by other means than the probe's own."""
    yield "plain", secret
    yield "base64", base64.b64encode(noise(5) + secret + noise(5))
    yield "base64url", base64.urlsafe_b64encode(noise(5) + secret + noise(5))
    yield "hexadecimal", secret.hex().encode()
    yield "URL", urllib.parse.quote(secret, safe="").encode()
    yield "path", urllib.parse.quote(secret).encode()
    yield "URL, every byte", b"".join(b"%%%02x" % byte for byte in secret)
    yield "URL, some bytes", b"".join(
        b"%%%02X" % byte if chance.random() < 0.5 or byte in b"%+ " else bytes([byte]) for byte in secret)
    yield "form", urllib.parse.quote_plus(secret).encode()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON in UTF-8", json.dumps(text, ensure_ascii=False)[1:-1].encode()


class Guest:
    config = {"nonce": "n"}
    secrets = probe.Secrets({})

    def read(self, _):
        return b"boot"


channel = probe.Channel(Guest(), None)
count = 0
while count < 2000:
    alphabet = chance.choice(ALPHABETS)
    if alphabet is ALPHABETS[3]:
        secret = "".join(chance.choice(alphabet.decode()) for _ in range(chance.randrange(6, 60))).encode()
    else:
        secret = bytes(chance.choice(alphabet) for _ in range(chance.randrange(6, 60)))
    # A value that is mostly one character stands in every text; the rest of a sentence would be its mask.
    if len(set(secret)) < 5 or secret != secret.strip():
        continue
    count += 1
    secrets = probe.Secrets({"it": secret})
    channel.guest.secrets = secrets
    for name, form in encodings(secret):
        found = noise(40) + form + noise(40)
        if not secrets.names_in(found):
            sys.exit("not found as %s: %r in %r" % (name, secret, found))
        masked = secrets.masked(found)
        # As a text of a fact, cut at any length, and as a key and a member of a whole event.
        limit = chance.randrange(1, 200)
        channel.send("facts", {"a": found.decode("utf-8", "replace"), secrets.text(found, limit): [secrets.text(found)]})
        line = channel.waiting.pop()
        for what, data in (("text", masked), ("line", line)):
            if secrets.names_in(data):
                sys.exit("%s got past the mask as %s: %r in %r" % (name, what, secret, data))
        if secret.isascii() and secret.decode() in json.dumps(json.loads(line)):
            sys.exit("%s got past the mask in JSON: %r" % (name, secret))
print("%d secrets" % count)
