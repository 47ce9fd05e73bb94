"""Starts the program for a test and takes its words. BACKPLANE_BINARY names it."""

import json
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("BACKPLANE_BINARY", "build/bin/backplane")
DEADLINE = 60


def kvm_missing():
    """Why this host runs no guests by KVM; nothing where it does."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    return ""


def connect(path, process):
    """A connection to the unix socket that the process listens on, as soon as it does."""
    for _ in range(1200):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(DEADLINE)
        try:
            client.connect(str(path))
            return client
        except OSError:
            client.close()
        if process.poll() is not None:
            raise AssertionError(f"it ended: {process.stderr.read().decode()}")
        select.select([], [], [], 0.05)
    raise AssertionError(f"nobody listens on {path}")


class Qmp:
    def __init__(self, client):
        self.client = client
        self.lines = client.makefile("rb")
        self.events = []
        self.greeting = json.loads(self.lines.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.client.close()

    def send(self, text):
        self.client.sendall(text.encode())

    def read(self):
        """The next reply; events are kept."""
        while True:
            line = self.lines.readline()
            if not line:
                raise EOFError
            message = json.loads(line)
            if "event" not in message:
                return message
            self.events.append(message)

    def __call__(self, command, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.send(json.dumps(request))
        return self.read()

    def human(self, line):
        return self("human-monitor-command", command_line=line)["return"]

    def await_status(self, command, *wanted):
        """What the command's "status" is when it is one of these."""
        end = time.monotonic() + DEADLINE
        while (found := self(command)["return"].get("status")) not in wanted:
            if time.monotonic() > end:
                raise AssertionError(f"{command} says {found}")
            select.select([], [], [], 0.02)
        return found

    def event(self, name):
        while not any(each["event"] == name for each in self.events):
            message = json.loads(self.lines.readline())
            self.events.append(message)
        return next(each for each in self.events if each["event"] == name)


class Result:
    def __init__(self, status, output, errors):
        self.status = status
        self.output = output
        self.errors = errors


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content=b""):
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def run_program(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=DEADLINE, **options)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments, **options):
        """A running process. If it is there at the test's end, it is asked to end, and has to do so in good order."""
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(
            [BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )

        def end():
            if process.poll() is not None:
                process.communicate()
                return
            process.terminate()
            try:
                errors = process.communicate(timeout=DEADLINE)[1]
            finally:
                process.kill()
            self.assertEqual(process.returncode, 1, errors.decode())

        self.addCleanup(end)
        return process
