"""Runs the client of OCI Vault with a stand-in for time.sleep: pauses take no time, and are kept in /var/lab/pauses.

    pauses.py PROGRAM FOLDER

LAB_RUN_LIMIT replaces the limit in seconds for the whole run.
"""

import importlib.machinery
import importlib.util
import os
import sys
import time


def sleep(seconds):
    with open("/var/lab/pauses", "a") as file:
        print(seconds, file=file)


time.sleep = sleep
sys.dont_write_bytecode = True
program, folder = sys.argv[1:]
loader = importlib.machinery.SourceFileLoader("vault", program)
client = importlib.util.module_from_spec(importlib.util.spec_from_loader("vault", loader))
loader.exec_module(client)
client.RUN_LIMIT = int(os.environ.get("LAB_RUN_LIMIT", client.RUN_LIMIT))
sys.exit(client.main(folder))
