"""A client of the API server."""

import http.client
import json
import ssl

from base import HERE, read


class Refused(Exception):
    """The API server's own word, with its status code."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


# What may go wrong between two processes, and is tried again.
TROUBLE = (OSError, http.client.HTTPException, Refused)


class Api:
    def __init__(self, host, authority, client):
        self.host = host
        self.context = ssl.create_default_context(cafile=authority)
        self.context.load_cert_chain(client + ".crt", client + ".key")
        self.connection = None

    def call(self, method, path, body=None, content_type="application/json"):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(*self.host, timeout=30, context=self.context)
        try:
            data = None if body is None else json.dumps(body)
            self.connection.request(method, path, data, {"Content-Type": content_type})
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise
        if response.status >= 400:
            raise Refused(response.status, text.decode(errors="replace"))
        return json.loads(text) if text.startswith(b"{") else None

    def get(self, path):
        return self.call("GET", path)

    def find(self, path):
        """The object; None where it is not there."""
        try:
            return self.get(path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def make(self, path, body):
        """Creates the object; one that is there already stays as it is. Whether it is new."""
        try:
            self.call("POST", path, body)
        except Refused as refusal:
            if refusal.status != 409:
                raise
            return False
        return True

    def patch(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def apply(self, path, body, manager):
        """Server-side, without force: fields that others own and that differ are a conflict, 409."""
        return self.call("PATCH", f"{path}?fieldManager={manager}", body, "application/apply-patch+yaml")

    def delete(self, path):
        """Deletes the object, and says whether it was there."""
        try:
            self.call("DELETE", path)
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return False
        return True

    def is_ready(self):
        try:
            self.get("/readyz")
        except TROUBLE:
            return False
        return True

    def load_crds(self, *names):
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        for name in names:
            self.make(path, json.loads(read(f"{HERE}/{name}.json")))
