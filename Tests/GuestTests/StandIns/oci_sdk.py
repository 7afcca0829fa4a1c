"""Oracle's own Python SDK reads secrets from the emulator, as an application on an instance does: no address, name or
region is given to it.

    oci_sdk.py SECRET [FAULT]

prints the value, base64; or, if the service refuses, its status and code. FAULT is `wrong-key` (requests are signed with
another key than the token's), `wrong-leaf` (federation is asked with another key than the certificate's), `stale`
(the first token is kept for a second try) or `anew` (it is not).
"""

import sys

import oci
from cryptography.hazmat.primitives.asymmetric import rsa

secret, fault = (sys.argv[1:] + [""])[:2]
no_retries = oci.retry.NoneRetryStrategy()
other_key = rsa.generate_private_key(65537, 2048)

if fault == "wrong-leaf":
    oci.auth.certificate_retriever.UrlBasedCertificateRetriever.get_private_key = lambda self: other_key
if fault == "wrong-key":
    right_pair = oci.auth.session_key_supplier.SessionKeySupplier.get_key_pair
    oci.auth.session_key_supplier.SessionKeySupplier.get_key_pair = lambda self: {
        "private": other_key, "public": right_pair(self)["public"]
    }

signer = None
for attempt in (1, 2):
    try:
        signer = signer or oci.auth.signers.InstancePrincipalsSecurityTokenSigner(
            federation_client_retry_strategy=no_retries
        )
        client = oci.secrets.SecretsClient(config={}, signer=signer, retry_strategy=no_retries)
        print(client.get_secret_bundle(secret).data.secret_bundle_content.content)
        break
    except oci.exceptions.ServiceError as error:
        print(error.status, error.code)
    if fault == "anew":
        signer.refresh_security_token()
    elif fault != "stale":
        break
