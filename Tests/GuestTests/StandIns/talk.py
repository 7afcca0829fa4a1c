"""Listens, or tries to reach a listener, for the tests of the firewall.

    talk.py listen PORT...         TCP and UDP on every address; answers with the address that it was called from
    talk.py call [tcp|udp] ADDRESS PORT [FROM]    says what came back, and whether quickly
"""

import errno
import os
import selectors
import socket
import sys
import time

PATIENCE = 1.5


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            listener = socket.socket(socket.AF_INET6, kind)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            # An answer leaves from the address that was asked.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("::", int(port)))
            if kind == socket.SOCK_STREAM:
                listener.listen()
            selector.register(listener, selectors.EVENT_READ, kind)
    # The parent goes on once all are there.
    if os.fork():
        os._exit(0)
    os.close(1)
    while True:
        for key, _ in selector.select():
            if key.data == socket.SOCK_STREAM:
                connection, peer = key.fileobj.accept()
                connection.sendall(peer[0].removeprefix("::ffff:").encode())
                connection.close()
            else:
                _, asked, _, peer = key.fileobj.recvmsg(100, 100)
                key.fileobj.sendmsg([peer[0].removeprefix("::ffff:").encode()], asked, 0, peer)


def call(protocol, address, port, source=None):
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    begin = time.monotonic()
    try:
        with socket.socket(family(address), kind) as caller:
            caller.settimeout(PATIENCE)
            if source:
                caller.bind((source, 0))
            caller.connect((address, int(port)))
            if protocol == "udp":
                caller.send(b"?")
            said = "seen as " + caller.recv(100).decode()
    except TimeoutError:
        said = "no answer"
    except OSError as error:
        names = {errno.EHOSTUNREACH: "no route to host", errno.ECONNREFUSED: "refused", errno.ECONNRESET: "refused"}
        said = names.get(error.errno, os.strerror(error.errno))
        if time.monotonic() - begin > 1:
            said += ", slowly"
    print(protocol, address, port, end=": ")
    print(said)


if sys.argv[1] == "listen":
    listen(sys.argv[2:])
else:
    call(*sys.argv[2:])
