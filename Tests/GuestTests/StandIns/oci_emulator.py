"""An emulator of what an instance on OCI needs for reading secrets: instance metadata (version 2), federation of
instance principals, and retrieval of secret bundles. The tests have Oracle's own Python SDK content with it before
ours is tried.

    oci_emulator.py PLAN FOLDER [--metadata ADDRESS:PORT]... [--federation ADDRESS:PORT]... [--secrets ADDRESS:PORT]...

A port of 0 is a free one. Once it listens, FOLDER has `listening.json` (the addresses of each service), `ca.pem`
(which the certificates of federation and secrets are signed by) and `canaries` (one a line, what must be seen
nowhere else; it grows with each token); `requests.jsonl` gets a line for each request.

It verifies what OCI does: the chain, validity and tenancy of the posted certificate, its fingerprint in the key's
name, each signature over exactly the headers that it names in their order, the hash of the body, the Date, the
token's signature and age, and that a request is signed with the key that its token was issued for.

PLAN is JSON, or a file of it. What is left out is as follows, or does not happen:

    region, region_key, realm, domain    eu-frankfurt-1, FRA, oc1, oraclecloud.com
    names         more names for the certificates, beside those of the region and the addresses listened at
    secrets       {OCID: {"state": "ACTIVE", "versions": [{"number": 1, "name": "blue", "stages": ["CURRENT"],
                  "base64": "..."}]}}
    clock         seconds by which OCI's clock is ahead of this machine's
    late          {service: seconds, or a file} after which, or from whose existence on, the service listens
    group_after   {"tokens": N} or {"seconds": N}: how many tokens, or how long from the first one on, until the
                  instance is in the dynamic group. A token that was issued before stays without it
    tokens        for the first, second... token {"life": seconds, "uses": how often it is good}
    rotations     how many times the identity is rotated between the reads of key.pem and cert.pem
    tls           {service: "untrusted" | "expired" | "wrong-name"}
    faults        a list of {"at": service, "path": part of it, "times": N, "seconds": N, "do": fault}; the first that
                  matches a request, and has not been done so often or for so long, is done. A fault is
                  {"status": N, "code": ..., "message": ..., "retry_after": N}, "drop" (the connection is closed),
                  "hang" (there is no answer), "drip" (a byte now and then), "truncate" (half of the answer), "half" (half
                  of it, as if it were whole), "page" (HTML with status 200), "redirect" (to where the answer is),
                  "oversized" (the answer, and then a megabyte of spaces) or "escape" (the answer, with all of JSON's
                  strings in escapes)
"""

import argparse
import base64
import contextlib
import datetime
import email.utils
import hashlib
import http.server
import ipaddress
import json
import pathlib
import re
import socket
import socketserver
import ssl
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVICES = ("metadata", "federation", "secrets")
# Signing Requests, "Maximum Allowed Client Clock Skew".
SKEW = 300
# GetSecretBundle, parameter `stage`.
STAGES = ("CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED")
NEVER = 1 << 30


class Refusal(Exception):
    """An error as OCI's services answer it, and the reason, which they keep to themselves."""

    def __init__(self, status, code, message, why=None):
        super().__init__(why or message)
        self.status, self.body = status, {"code": code, "message": message}


def unauthenticated(
    why, message="The required information to complete authentication was not provided or was incorrect."
):
    return Refusal(401, "NotAuthenticated", message, why)


def hidden(why):
    return Refusal(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.", why)


def no_such_path():
    return Refusal(404, "NotFound", "HTTP 404 Not Found")


def pem(thing):
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    return thing.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def octets(number):
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def new_rsa_key():
    return rsa.generate_private_key(65537, 2048)


def name_of(*attributes):
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])


class Authority:
    """A certificate authority that is valid around the time of OCI's clock."""

    def __init__(self, now, common_name, parent=None):
        self.now, self.key = now, ec.generate_private_key(ec.SECP256R1())
        self.subject = name_of((NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, "Emulator of OCI"))
        self.certificate = (parent or self).issue(self.key.public_key(), self.subject, is_authority=True)

    def issue(self, public_key, subject, is_authority=False, days=(-1, 7), names=()):
        today = datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc)
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        ) | {"encipher_only": False, "decipher_only": False}
        usage |= {"digital_signature": not is_authority, "key_cert_sign": is_authority, "crl_sign": is_authority}
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(today + datetime.timedelta(days=days[0]))
            .not_valid_after(today + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        if names:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            ).add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def escaped(value):
    """JSON in which each character of a string is an escape, as RFC 8259, section 7, allows."""
    if isinstance(value, str):
        units = value.encode("utf-16-be").hex()
        return '"' + "".join(f"\\u{units[at:at + 4]}" for at in range(0, len(units), 4)) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(escaped, value)) + "]"
    if isinstance(value, dict):
        return "{\n" + " ,\r\n\t".join(f"{escaped(key)} : {escaped(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


class Cloud:
    """OCI, as far as it is emulated."""

    def __init__(self, plan, folder):
        self.plan, self.folder, self.lock = plan, folder, threading.RLock()
        self.region = plan.get("region", "eu-frankfurt-1")
        self.region_key = plan.get("region_key", "FRA")
        self.realm = plan.get("realm", "oc1")
        self.domain = plan.get("domain", "oraclecloud.com")
        self.secrets = plan.get("secrets", {})
        self.faults = [dict(fault, done=0, first=None) for fault in plan.get("faults", [])]
        self.rotations = plan.get("rotations", 0)

        self.tenancy = f"ocid1.tenancy.{self.realm}..aaaaaaaaemulated"
        self.instance = f"ocid1.instance.{self.realm}.{self.region_key.lower()}.aaaaaaaaemulated"
        self.compartment = f"ocid1.compartment.{self.realm}..aaaaaaaaemulated"
        self.identity_root = Authority(self.now, "Root of the identities")
        self.identity_issuer = Authority(self.now, "Intermediate of the identities", self.identity_root)
        self.web = Authority(self.now, "Root of the web")
        self.token_key, self.tokens, self.first_token = new_rsa_key(), {}, None
        for secret in self.secrets.values():
            for version in secret["versions"]:
                self.canary(version["base64"])
                with contextlib.suppress(ValueError):
                    self.canary(base64.b64decode(version["base64"]).decode("latin-1"))
        self.rotate()

    def now(self):
        return time.time() + self.plan.get("clock", 0)

    def canary(self, *texts):
        with self.lock, open(self.folder / "canaries", "a", encoding="latin-1") as file:
            file.writelines(f"{line}\n" for text in texts for line in text.split("\n") if len(line) >= 8)

    def record(self, **line):
        with self.lock, open(self.folder / "requests.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")

    def rotate(self):
        """Gives the instance a new key and certificate; the one before is not accepted any longer."""
        self.leaf_key, unit = new_rsa_key(), NameOID.ORGANIZATIONAL_UNIT_NAME
        self.leaf = self.identity_issuer.issue(
            self.leaf_key.public_key(),
            name_of(
                (NameOID.COMMON_NAME, self.instance),
                (unit, "opc-certtype:instance"),
                (unit, f"opc-instance:{self.instance}"),
                (unit, f"opc-compartment:{self.compartment}"),
                (unit, f"opc-tenant:{self.tenancy}"),
            ),
        )
        self.canary("\n".join(pem(self.leaf_key).splitlines()[1:-1]))

    def fault(self, service, path):
        """What is to go wrong with this request, if anything."""
        with self.lock:
            for fault in self.faults:
                if fault["at"] != service or fault.get("path", "") not in path:
                    continue
                at = time.monotonic()
                fault["first"] = fault["first"] or at
                if fault["done"] < fault.get("times", NEVER) and at - fault["first"] < fault.get("seconds", NEVER):
                    fault["done"] += 1
                    return fault["do"]
        return None

    # Metadata

    def metadata(self, request):
        if request.headers.get("Authorization") != "Bearer Oracle":
            raise Refusal(401, "NotAuthenticated", "Unauthorized", "no Authorization: Bearer Oracle")
        for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"):
            if name in request.headers:
                raise Refusal(403, "Forbidden", "Forbidden", f"came through somebody else: {name}")
        path = request.path.removeprefix("/opc/v2/")
        about = {
            "realmKey": self.realm,
            "realmDomainComponent": self.domain,
            "regionKey": self.region_key,
            "regionIdentifier": self.region,
        }
        with self.lock:
            if path == "identity/cert.pem" and self.rotations > 0:
                self.rotations -= 1
                self.rotate()
            answers = {
                "instance/region": self.region_key.lower(),
                "instance/regionInfo": json.dumps(about, indent=2, separators=(",", " : ")),
                "identity/cert.pem": pem(self.leaf),
                "identity/intermediate.pem": pem(self.identity_issuer.certificate),
                "identity/key.pem": pem(self.leaf_key),
            }
        if request.command != "GET" or path not in answers:
            raise no_such_path()
        return "application/json" if path.endswith("Info") else "text/plain", answers[path].encode()

    # Signatures

    def verify(self, request, needed, key_for):
        """Checks the signature of a request, which must cover the needed headers, with the public key for its keyId."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', text))
        if scheme != "Signature" or not {"version", "keyId", "algorithm", "headers", "signature"} <= fields.keys():
            raise unauthenticated("no complete Authorization: Signature")
        if fields["version"] != "1" or fields["algorithm"] != "rsa-sha256":
            raise unauthenticated("not version 1 of rsa-sha256")
        names, lines = fields["headers"].split(" "), []
        if len(set(names)) != len(names) or not needed <= set(names):
            raise unauthenticated(f"signs {names}, needed are {sorted(needed)}")
        for name in names:
            if name == "(request-target)":
                lines.append(f"{name}: {request.command.lower()} {request.path}")
            elif len(request.headers.get_all(name, [])) == 1:
                lines.append(f"{name}: {request.headers[name]}")
            else:
                raise unauthenticated(f"{name} is signed, but there is not one of it")
        self.check_date(request.headers["Date"])
        if "x-content-sha256" in names:
            digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
            if request.headers["x-content-sha256"] != digest:
                raise unauthenticated("x-content-sha256 is not that of the body")
        try:
            signature = base64.b64decode(fields["signature"], validate=True)
            key_for(fields["keyId"]).verify(
                signature, "\n".join(lines).encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            raise unauthenticated("wrong signature", "Failed to verify the HTTP(S) Signature") from None

    def check_date(self, text):
        try:
            date = email.utils.parsedate_to_datetime(text).timestamp()
        except (TypeError, ValueError):
            raise unauthenticated("Date is no date") from None

        def shown(seconds):
            return time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(seconds))

        now = self.now()
        if abs(date - now) > SKEW:
            raise unauthenticated(
                "clock skew",
                f"Date '{shown(date)}' is not within allowed clock skew. Current '{shown(now)}', valid datetime "
                f"range: ['{shown(now - SKEW)}', '{shown(now + SKEW + 1)}']",
            )

    # Federation

    def federation(self, request):
        if request.command != "POST" or request.path != "/v1/x509":
            raise no_such_path()
        try:
            body = json.loads(request.body)
            leaf, *chain = [
                x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
                for text in [body["certificate"], *body["intermediateCertificates"]]
            ]
            session = base64.b64decode(body["publicKey"], validate=True)
            session_key = serialization.load_der_public_key(session)
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal(400, "InvalidParameter", "Invalid request body", repr(error)) from None
        if not isinstance(session_key, rsa.RSAPublicKey) or session_key.key_size < 2048:
            raise Refusal(400, "InvalidParameter", "Invalid public key", "not RSA of 2048 bits")
        self.check_chain(leaf, chain)
        wanted = f"{self.tenancy_of(leaf)}/fed-x509/{leaf.fingerprint(hashes.SHA1()).hex(':').upper()}"

        def key_for(key_id):
            if key_id != wanted:
                raise unauthenticated("keyId is not TENANCY/fed-x509/FINGERPRINT of the certificate")
            return leaf.public_key()

        needed = {"date", "(request-target)", "content-length", "content-type", "x-content-sha256"}
        self.verify(request, needed, key_for)
        with self.lock:
            if leaf != self.leaf:
                raise unauthenticated("the certificate is not the instance's any longer")
            token, number = self.issue_token(session_key)
        request.notes = {"session": hashlib.sha256(session).hexdigest()[:16], "token": number}
        return "application/json", json.dumps({"token": token}).encode()

    def check_chain(self, leaf, chain):
        now = datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc)
        path = [leaf, *chain, self.identity_root.certificate]
        try:
            for certificate, issuer in zip(path, path[1:]):
                certificate.verify_directly_issued_by(issuer)
                if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                    raise ValueError("an issuer is no authority")
                if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
                    raise ValueError("a certificate is not valid now")
        except (InvalidSignature, TypeError, ValueError, x509.ExtensionNotFound) as error:
            raise unauthenticated(f"the chain does not hold: {error!r}") from None

    def tenancy_of(self, leaf):
        for attribute in leaf.subject:
            for prefix in ("opc-tenant:", "opc-identity:"):
                if attribute.value.startswith(prefix):
                    return attribute.value.removeprefix(prefix)
        raise unauthenticated("the certificate names no tenancy")

    def issue_token(self, session_key):
        number, now, late = len(self.tokens) + 1, int(self.now()), self.plan.get("group_after", {})
        self.first_token = self.first_token or time.monotonic()
        is_member = (
            number > late.get("tokens", 0) and time.monotonic() - self.first_token >= late.get("seconds", 0)
        )
        plan = dict(enumerate(self.plan.get("tokens", []), 1)).get(number, {})
        numbers = session_key.public_numbers()
        claims = {
            "sub": self.instance,
            "opc-certtype": "instance",
            "iss": "authService.oracle.com",
            "fprint": self.leaf.fingerprint(hashes.SHA1()).hex(":").upper(),
            "ptype": "instance",
            "aud": "oci",
            "ttype": "x509",
            "opc-instance": self.instance,
            "exp": now + plan.get("life", 1200),
            "opc-compartment": self.compartment,
            "iat": now,
            "jti": f"emulated-{number}",
            "tenant": self.tenancy,
            "jwk": json.dumps(
                {"kid": self.instance, "n": octets(numbers.n), "e": octets(numbers.e), "kty": "RSA", "alg": "RS256"}
            ),
            "opc-tenant": self.tenancy,
        }
        text = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "RS256"}, claims))
        signature = self.token_key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        self.tokens[claims["jti"]] = {
            "number": number, "is_member": is_member, "uses": plan.get("uses", NEVER)
        }
        token = f"{text}.{base64url(signature)}"
        self.canary(token)
        return token, number

    # Secrets

    def vault(self, request):
        match = re.fullmatch(r"/20190301/secretbundles/([^/?]+)(?:\?(.*))?", request.path)
        if request.command != "GET" or not match:
            raise no_such_path()
        claims = {}

        def key_for(key_id):
            claims.update(self.claims_of(key_id))
            jwk = json.loads(claims["jwk"])
            n, e = (int.from_bytes(unbase64url(jwk[part]), "big") for part in "ne")
            return rsa.RSAPublicNumbers(e, n).public_key()

        self.verify(request, {"date", "(request-target)", "host"}, key_for)
        with self.lock:
            token = self.tokens[claims["jti"]]
            request.notes = {"token": token["number"]}
            token["uses"] -= 1
            if token["uses"] < 0 or self.now() >= claims["exp"]:
                raise unauthenticated("the token has expired")
        if not token["is_member"]:
            raise hidden("the token is from before the dynamic group")
        ocid = urllib.parse.unquote(match[1])
        if not ocid.startswith("ocid1.vaultsecret."):
            raise Refusal(400, "InvalidParameter", "Invalid secretId")
        secret = self.secrets.get(ocid)
        # What is to be deleted looks as if it had never been.
        if secret is None or secret.get("state", "ACTIVE") != "ACTIVE":
            raise hidden("no such secret")
        return "application/json", self.bundle(ocid, secret, urllib.parse.parse_qs(match[2] or ""))

    def claims_of(self, key_id):
        try:
            kind, token = key_id.split("$", 1)
            head, body, signature = token.split(".")
            self.token_key.public_key().verify(
                unbase64url(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            raise unauthenticated("no token of the federation service") from None
        if kind != "ST":
            raise unauthenticated("keyId is not ST$TOKEN")
        return json.loads(unbase64url(body))

    def bundle(self, ocid, secret, query):
        chosen = {
            "versionNumber": lambda version: str(version["number"]),
            "secretVersionName": lambda version: version.get("name"),
            "stage": lambda version: version["stages"],
        }
        if len(query) > 1 or not query.keys() <= chosen.keys():
            raise Refusal(400, "InvalidParameter", f"query params {sorted(query)} are not supported")
        [(by, [wanted])] = query.items() or [("stage", ["CURRENT"])]
        if by == "stage" and wanted not in STAGES:
            raise Refusal(400, "InvalidParameter", f"query param stage must be one of {list(STAGES)}")
        for version in secret["versions"]:
            found = chosen[by](version)
            if wanted in (found if by == "stage" else [found]):
                break
        else:
            raise hidden("no such version")
        bundle = {
            "secretId": ocid,
            "timeCreated": "2026-10-01T00:00:00.000Z",
            "versionNumber": version["number"],
            "versionName": version.get("name"),
            "metadata": {"content": "ZGVjb3k=", "note": 'a "content":"ZGVjb3k=" in a string'},
            "secretBundleContent": {"contentType": "BASE64", "content": version["base64"]},
            "timeOfDeletion": None,
            "timeOfExpiry": None,
            "stages": version["stages"],
        }
        return json.dumps(bundle, separators=(",", ":")).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        cloud, service = self.server.cloud, self.server.service
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.notes = {}
        fault = cloud.fault(service, self.path)
        status, head, why = 200, {}, "" if fault is None else f"fault: {fault}"
        if isinstance(fault, dict):
            status = fault["status"]
            codes = {429: ("TooManyRequests", "Tenancy request-rate limit exceeded")}
            code, message = codes.get(status, ("InternalServerError", "An internal error occurred"))
            body = json.dumps({"code": fault.get("code", code), "message": fault.get("message", message)}).encode()
            if "retry_after" in fault:
                head["Retry-After"] = str(fault["retry_after"])
            kind = "application/json"
        else:
            answer = {"metadata": cloud.metadata, "federation": cloud.federation, "secrets": cloud.vault}[service]
            try:
                kind, body = answer(self)
            except Refusal as refusal:
                status, why, kind = refusal.status, str(refusal), "application/json"
                body = json.dumps(refusal.body).encode()
            if fault == "page":
                kind, body = "text/html", b"<!DOCTYPE html><title>Sign in to this network</title>\n"
            elif fault == "redirect":
                status, head, body = 302, {"Location": self.path}, b""
            elif fault == "oversized":
                body += b" " * (1 << 20)
            elif fault == "escape":
                body = escaped(json.loads(body)).encode()
        cloud.record(
            at=service, method=self.command, host=self.headers.get("Host"), target=self.path,
            status=0 if fault in ("drop", "hang") else status, why=why, **self.notes,
        )
        self.reply(fault, status, head | {"Content-Type": kind}, body)

    do_POST = do_GET

    def reply(self, fault, status, head, body):
        self.close_connection = fault in ("drop", "drip", "truncate", "half")
        if fault == "drop":
            return
        if fault == "hang":
            # Until the emulator ends.
            threading.Event().wait()
        length = {"Connection": "close"} if fault == "half" else {"Content-Length": str(len(body))}
        self.send_response_only(status)
        date = {"Date": email.utils.formatdate(self.server.cloud.now(), usegmt=True)}
        for name, value in (date | head | length).items():
            self.send_header(name, value)
        self.end_headers()
        if fault == "drip":
            for byte in body:
                self.wfile.write(bytes([byte]))
                # This is the drip: no read ever times out, only the whole.
                time.sleep(0.25)
        else:
            self.wfile.write(body[: len(body) // 2] if fault in ("truncate", "half") else body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cloud, service, address, tls):
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        self.cloud, self.service, self.tls = cloud, service, tls
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, int(port)), Handler, bind_and_activate=False)
        # Not by the method of HTTPServer, which asks the DNS who this is.
        socketserver.TCPServer.server_bind(self)

    def finish_request(self, request, client_address):
        # The handshake is in the thread of its connection, so that nobody waits for another one's.
        request.settimeout(60)
        if self.tls:
            with self.tls.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
                # The closing alert: without it, what "half" leaves out could be told from the end.
                secure.unwrap()
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        # Somebody who hangs up, or refuses the certificate, is no error here.
        self.cloud.record(at=self.service, status=0, why="the connection was given up")

    def serve(self, late):
        if isinstance(late, str):
            # Nobody tells when a file appears; a test's node is not to notice the difference.
            while not pathlib.Path(late).exists():
                time.sleep(0.05)
        else:
            # This is the lateness itself.
            time.sleep(late)
        self.server_activate()
        self.serve_forever()


def tls_of(cloud, service, addresses):
    """The TLS of a service, with a certificate for its usual name and the addresses that it listens at."""
    fault = cloud.plan.get("tls", {}).get(service)
    pattern = {"federation": "auth.{}.{}", "secrets": "secrets.vaults.{}.oci.{}"}[service]
    names = [pattern.format(cloud.region, cloud.domain), *cloud.plan.get("names", [])]
    hosts = sorted({address.rpartition(":")[0].strip("[]") for address in addresses})
    alternatives = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts]
    if fault == "wrong-name":
        alternatives = [x509.DNSName("wrong.example.net")]
    issuer = Authority(cloud.now, "Root of somebody else") if fault == "untrusted" else cloud.web
    key = ec.generate_private_key(ec.SECP256R1())
    days = (-3, -1) if fault == "expired" else (-1, 7)
    certificate = issuer.issue(
        key.public_key(), name_of((NameOID.COMMON_NAME, names[0])), days=days, names=alternatives
    )
    context, file = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), cloud.folder / f"{service}.pem"
    file.write_text(pem(key) + pem(certificate) + pem(issuer.certificate))
    context.load_cert_chain(file)
    file.unlink()
    return context


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("plan")
    parser.add_argument("folder", type=pathlib.Path)
    for service in SERVICES:
        parser.add_argument(f"--{service}", action="append", default=[], metavar="ADDRESS:PORT")
    options = parser.parse_args()
    folder, text = options.folder, options.plan
    plan = json.loads(text if text.startswith("{") else pathlib.Path(text).read_text())
    folder.mkdir(parents=True, exist_ok=True)
    cloud = Cloud(plan, folder)
    (folder / "ca.pem").write_text(pem(cloud.web.certificate))
    listening = {}
    for service in SERVICES:
        addresses = getattr(options, service)
        tls = tls_of(cloud, service, addresses) if service != "metadata" else None
        servers = [Server(cloud, service, address, tls) for address in addresses]
        listening[service] = [
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for host, port in (server.server_address[:2] for server in servers)
        ]
        for server in servers:
            threading.Thread(target=server.serve, args=[plan.get("late", {}).get(service, 0)]).start()
    part = folder / "listening.part"
    part.write_text(json.dumps(listening) + "\n")
    part.rename(folder / "listening.json")


main()
