#!/usr/bin/python3 -I
# k3seed-vault FOLDER: fetches secrets from OCI Vault, as the instance principal that this node is.
#
# For each word NAME=OCID or NAME=OCID?QUERY of $K3SEED_VAULT it writes the exact bytes of that secret to FOLDER/NAME,
# with mode 0600, whole or not at all. A file that exists is kept. A value that would break the cluster later is
# refused, never corrected.
#
#   exit status 0    every file is there
#   exit status 1    failed; run it again
#   exit status 3    failed, and waiting cannot fix it
#
# The last line of its output says why it failed and what to do. Every run starts from the beginning: a token that was
# issued before the node joined its dynamic group stays worthless, and the node's certificate is replaced now and then.
#
# No secret, key or token is ever in an argument, the environment, the output, or a file other than FOLDER/NAME. They
# stay in memory, and openssl reads them from pipes.
#
# The protocol is that of Oracle's Python SDK 2.189.0. The metadata service gives the node's certificate and key. With
# them, the federation service issues a token for a new session key. With both of those, the Vault returns each secret.
# Signatures: https://docs.oracle.com/iaas/Content/API/Concepts/signingrequests.htm
#
# It needs Python 3.8 or later, which every image with a current cloud-init has, and the command openssl. Settings, all
# from the environment:
#
#   K3SEED_VAULT                  the references, as above
#   K3SEED_OCI_REGION             the region of the vault, if it is not the node's own
#   https_proxy, no_proxy         for the federation service and the Vault
#   K3SEED_OCI_METADATA_URL, K3SEED_OCI_FEDERATION_URL, K3SEED_OCI_SECRETS_URL
#                                 other addresses for the three services
#
# To test it: `swift test --filter VaultTests` runs it against an emulator of OCI that Oracle's SDK accepts, too
# (Tests/GuestTests/StandIns/oci_emulator.py). By hand, as root of an instance:
#
#   mkdir -m 700 /run/try && K3SEED_VAULT=git_pat=ocid1.vaultsecret... k3seed-vault /run/try
#
# Functions are described by comments, not docstrings: whole lines of comment are left out of user-data.

import base64
import calendar
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

TRY_AGAIN, PERMANENT = 1, 3

# In seconds: for the whole run, for one request, and for connecting or the next bytes.
RUN_LIMIT, REQUEST_LIMIT, SILENCE_LIMIT = 120, 20, 10
# In seconds: the longest pause that a service may ask for (Retry-After).
LONGEST_PAUSE = 60
# In seconds: how far a request's date may be from OCI's time.
CLOCK_TOLERANCE = 300
# In bytes. The largest secret has 25,600, and its answer about 36,000.
LARGEST_ANSWER = 65536

HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
REFERENCE = r"([a-z0-9_]+)=(ocid1\.vaultsecret\.[A-Za-z0-9._-]+)(\?[A-Za-z0-9._~%=&-]+)?"

NETWORK = "check network, DNS and proxy"
# What to do where a service fails: by its name, or by its name and the answer's status.
ADVICE = {
    "metadata": "is this an instance of OCI?",
    "secrets 400": "check the reference",
    "secrets 404": "let the node's dynamic group read secret-bundles, and check OCID and version",
}


# Ends the run. `pause`: for how many seconds the service asks to be left alone.
class Failure(Exception):
    def __init__(self, why, status=TRY_AGAIN, pause=0):
        super().__init__(why)
        self.why, self.status, self.pause = why, status, pause


# Makes a redirect an answer like any other.
class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# Returns or raises what work(*arguments) does, or raises TimeoutError. Unlike a socket's timeout, the limit is on all
# of it: name resolution, connecting, and an answer that arrives byte by byte. The thread ends with the program.
def within(seconds, work, *arguments):
    future = concurrent.futures.Future()

    def run():
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result(seconds)


# What an openssl command prints.
def openssl(*arguments, text=b"", pipes=()):
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, pass_fds=pipes)
    if done.returncode:
        raise Failure(f"openssl {arguments[0]} failed: {done.stderr.decode('ascii', 'replace')[:200]}")
    return done.stdout


# The signature of a text, base64. The key waits in a pipe, whose buffer is larger than any key.
def signature(text, key):
    reading, writing = os.pipe()
    with open(reading), open(writing, "wb") as pipe:
        pipe.write(key)
        pipe.close()
        signed = openssl("dgst", "-sha256", "-sign", f"/dev/fd/{reading}", text=text.encode(), pipes=[reading])
    return base64.b64encode(signed).decode()


# What a service sent with status 200.
class Answer:
    def __init__(self, host, body):
        self.host, self.body = host, body

    # The string at a path of keys in the JSON body. It must match the pattern.
    def string(self, *path, pattern):
        try:
            value = json.loads(self.body)
            for key in path:
                value = value[key]
            return re.fullmatch(pattern, value)[0]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise Failure(f"{self.host} answers without a valid {path[-1]}") from None

    # The base64 between BEGIN and END in the PEM body.
    def pem(self, kind):
        found = re.search(rb"-----BEGIN [A-Z ]+-----([\sA-Za-z0-9+/=]+)-----END ", self.body)
        if not found:
            raise Failure(f"{self.host} answers without a whole {kind}")
        return b"".join(found[1].split()).decode()


# Sends a request, a POST if it has a body, and returns the answer's status, headers and body. The metadata service is
# never asked through a proxy.
def exchange(service, url, headers, body):
    proxies = urllib.request.ProxyHandler({} if service == "metadata" else None)
    opener = urllib.request.build_opener(proxies, NoRedirect)
    try:
        response = opener.open(urllib.request.Request(url, body, headers), timeout=SILENCE_LIMIT)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        content = response.read(LARGEST_ANSWER)
        if response.read(1):
            raise OSError(f"an answer of more than {LARGEST_ANSWER} bytes")
        if response.length:
            raise OSError("the answer broke off")
        return response.code, response.headers, content


class Client:
    # By how many seconds this clock is ahead of OCI's, as far as that is known.
    ahead = 0

    # Sends a request, and returns what the service answers with status 200.
    def send(self, service, url, headers, body=None):
        host = urllib.parse.urlsplit(url).netloc
        try:
            status, head, content = within(REQUEST_LIMIT, exchange, service, url, headers, body)
        except (OSError, http.client.HTTPException, concurrent.futures.TimeoutError) as error:
            error = error.reason if isinstance(error, urllib.error.URLError) else error
            why = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or str(error)
            why = why or f"no answer within {REQUEST_LIMIT} s"
            advice = "check its certificate, and the clock" if isinstance(error, ssl.SSLError) else NETWORK
            raise Failure(f"{host}: {why}; {ADVICE.get(service, advice)}") from None
        with contextlib.suppress(TypeError, ValueError):
            self.ahead = int(time.time()) - calendar.timegm(time.strptime(head["date"], HTTP_DATE))
        if status == 200:
            return Answer(host, content)
        why = f"{host} answers {status}"
        advice = ADVICE.get(f"{service} {status}") or ADVICE.get(service)
        try:
            error = json.loads(content)
            why += f", {error['code'][:200]}, {error['message'][:200].rstrip('.')}"
        except (ValueError, TypeError, LookupError, RecursionError):
            # This is not how OCI refuses: the answer is of something on the way.
            advice = advice or NETWORK
        why += f"; {advice}" if advice else ""
        if (service, status) == ("secrets", 400):
            raise Failure(why, PERMANENT)
        pause = re.fullmatch("[0-9]{1,9}", head.get("retry-after", "0"))
        raise Failure(why, pause=int(pause[0]) if pause else 0)

    # Sends a request with a signature over its date, its target and the given headers.
    def send_signed(self, service, url, headers, key, key_id, body=None):
        target = "/" + url.split("/", 3)[3]
        signed = {
            "date": time.strftime(HTTP_DATE, time.gmtime()),
            "(request-target)": f"{'post' if body else 'get'} {target}",
            **headers,
        }
        proof = signature("\n".join(f"{name}: {value}" for name, value in signed.items()), key)
        headers = {"date": signed["date"], **headers}
        headers["authorization"] = (
            f'Signature version="1",algorithm="rsa-sha256",headers="{" ".join(signed)}",'
            f'keyId="{key_id}",signature="{proof}"'
        )
        return self.send(service, url, headers, body)


# Where the metadata service is. Connecting a UDP socket sends nothing, and fails where there is no route.
def metadata_url():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("169.254.169.254", 80))
            return "http://169.254.169.254/opc/v2"
        except OSError:
            return "http://[fd00:c1::a9fe:a9fe]/opc/v2"


# Exchanges the node's certificate for a token, which is valid only with the private key that is made here. Returns
# both, and the address of the Vault's service.
def federate(client):
    base = os.environ.get("K3SEED_OCI_METADATA_URL") or metadata_url()

    def metadata(path):
        return client.send("metadata", f"{base}/{path}", {"authorization": "Bearer Oracle"})

    about = metadata("instance/regionInfo")
    region = about.string("regionIdentifier", pattern="[a-z0-9-]+")
    domain = about.string("realmDomainComponent", pattern="[a-z0-9.-]+")
    intermediate = metadata("identity/intermediate.pem").pem("certificate")
    leaf_key = metadata("identity/key.pem")
    leaf_key.pem("private key")
    leaf = metadata("identity/cert.pem")
    certificate = leaf.pem("certificate")
    shown = openssl("x509", "-noout", "-subject", "-fingerprint", "-sha1", text=leaf.body).decode()
    tenancy = re.search("opc-(?:tenant|identity):([A-Za-z0-9._-]+)", shown)
    if not tenancy:
        raise Failure(f"{leaf.host} answers with a certificate that names no tenancy")
    fingerprint = shown.rpartition("=")[2].strip()

    key = openssl("genrsa", "2048")
    public = base64.b64encode(openssl("pkey", "-pubout", "-outform", "DER", text=key)).decode()
    body = json.dumps(
        {"certificate": certificate, "publicKey": public, "intermediateCertificates": [intermediate]}
    ).encode()
    headers = {
        "content-length": str(len(body)),
        "content-type": "application/json",
        "x-content-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    url = os.environ.get("K3SEED_OCI_FEDERATION_URL") or f"https://auth.{region}.{domain}"
    key_id = f"{tenancy[1]}/fed-x509/{fingerprint}"
    answer = client.send_signed("federation", f"{url}/v1/x509", headers, leaf_key.body, key_id, body)
    region = os.environ.get("K3SEED_OCI_REGION") or region
    vault = os.environ.get("K3SEED_OCI_SECRETS_URL") or f"https://secrets.vaults.{region}.oci.{domain}"
    return answer.string("token", pattern="[A-Za-z0-9+/=._-]+"), key, vault


# The bytes of a secret.
def retrieve(client, token, key, vault, reference):
    url = f"{vault}/20190301/secretbundles/{reference}"
    headers = {"host": urllib.parse.urlsplit(url).netloc}
    answer = client.send_signed("secrets", url, headers, key, f"ST${token}")
    content = answer.string("secretBundleContent", "content", pattern="[A-Za-z0-9+/=]*")
    answer.string("secretBundleContent", "contentType", pattern="BASE64")
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise Failure(f"{answer.host} answers without valid base64") from None


# What is wrong with a value, if anything: the rules for literal values whose breach would show late or never.
def objection(name, value):
    is_ssh_key = name == "git_ssh_private_key"
    if is_ssh_key:
        whole = re.fullmatch(rb"-----B[^\0\r]+-----\n", value)
        return None if whole else "is not a private key with all its line breaks"
    if not value:
        return "is empty"
    if re.search(rb"[\0-\x1f\x7f]", value) or value.strip() != value:
        return "has a line break or other control character, or white space at an end"
    if name == "argocd_admin_password_hash" and not re.fullmatch(rb"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}", value):
        return "is not a bcrypt hash"
    if name == "cloudflare_api_token" and re.fullmatch(rb"cfk_.*|[0-9a-f]{37}", value):
        return "is a Global API Key; create an API token with Zone-DNS-Edit and Zone-Zone-Read"
    if name in ("k3s_token", "k3s_agent_token") and re.fullmatch(rb"[a-z0-9]{6}\.[a-z0-9]{16}", value):
        return "has the form of a bootstrap token (abcdef.0123456789abcdef), which K3s servers refuse; use another"
    return None


# Writes a file whole or not at all. What an interrupted run has left is replaced.
def write(folder, name, value):
    part = f"{folder}/.{name}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)
    with open(part, "xb") as file:
        file.write(value)
    os.replace(part, f"{folder}/{name}")


# Fetches each secret that is not there yet.
def fetch(client, folder):
    references = [re.fullmatch(REFERENCE, word) for word in os.environ.get("K3SEED_VAULT", "").split()]
    if not references or None in references:
        raise Failure("K3SEED_VAULT is not a list of name=ocid1.vaultsecret...; render again", PERMANENT)
    missing = [found.groups() for found in references if not os.path.exists(f"{folder}/{found[1]}")]
    if not missing:
        return
    print("fetching secrets from OCI Vault", flush=True)
    token, key, vault = federate(client)
    for name, ocid, query in missing:
        try:
            value = retrieve(client, token, key, vault, ocid + (query or "?stage=CURRENT"))
        except Failure as failure:
            failure.why = f"secret {name}: {failure.why}"
            raise
        wrong = objection(name, value)
        if wrong:
            raise Failure(f"secret {name} in OCI Vault {wrong}", PERMANENT)
        write(folder, name, value)


def main(folder):
    os.umask(0o077)
    client = Client()
    try:
        within(RUN_LIMIT, fetch, client, folder)
        return 0
    except Failure as error:
        failure = error
    except concurrent.futures.TimeoutError:
        failure = Failure(f"not done within {RUN_LIMIT} s; {NETWORK}")
    except OSError as error:
        failure = Failure(f"{error.filename}: {error.strerror}")
    except Exception as error:
        # A bug, or a setting such as https_proxy that makes no sense. What the error says could hold a password.
        place = traceback.extract_tb(error.__traceback__)[-1].name
        failure = Failure(f"unexpected {type(error).__name__} in {place}; check the settings")
    why = failure.why
    if failure.status == TRY_AGAIN and abs(client.ahead) >= CLOCK_TOLERANCE:
        why += f"; this clock is {abs(client.ahead)} s {'ahead of' if client.ahead > 0 else 'behind'} OCI's, set it"
    print(re.sub("[^ -~]", " ", why), flush=True)
    time.sleep(min(failure.pause, LONGEST_PAUSE))
    return failure.status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
