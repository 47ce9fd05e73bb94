"""The process: its end, its files, its terminal."""

import os
import pty
import resource
import select
import signal
import socket
import subprocess
import termios
import unittest

from program import ProgramTest, connect

# What ends a process that does nothing about it; not those that tell of a fault within.
ENDING = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR, signal.SIGSTKFLT, signal.SIGXCPU),
)
QUIET = ("-display", "none", "-M", "virt", "-S")


class Process(ProgramTest):
    def await_file(self, path, process):
        """Waits until a file has a line, which says that the machine is up."""
        for _ in range(600):
            if path.exists() and path.read_text().endswith("\n"):
                return path.read_text()
            if process.poll() is not None:
                self.fail(f"it ended: {process.stderr.read().decode()}")
            select.select([], [], [], 0.05)
        self.fail(f"{path} did not appear")

    def test_signals_end_it_in_one_line(self):
        for number in ENDING:
            with self.subTest(number.name):
                pid_file = self.folder / "pid"
                process = self.start(
                    *(*QUIET, "-qmp", f"unix:{self.folder}/{int(number)}.sock,server=on,wait=off"),
                    *("-pidfile", pid_file, "-monitor", "none"),
                )
                client = connect(self.folder / f"{int(number)}.sock", process)
                self.assertTrue(client.recv(10))  # the greeting: the loop runs
                client.close()
                process.send_signal(number)
                errors = process.communicate(timeout=60)[1].decode()
                self.assertEqual(process.returncode, 1)
                self.assertRegex(errors, rf"^backplane: terminating on signal {int(number)} \(.*\)\n$")
                self.assertFalse(pid_file.exists())

    def test_a_server_that_waits_says_so_and_ends_at_once(self):
        for number, status in ((signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGQUIT, None)):
            with self.subTest(number.name):
                path = self.folder / f"wait-{int(number)}.sock"
                process = self.start("-display", "none", "-M", "virt", "-serial", f"unix:{path},server=on")
                said = process.stderr.readline().decode()
                self.assertIn(f"waiting for connection on: disconnected:unix:{path},server=on", said)
                process.send_signal(number)
                errors = process.communicate(timeout=60)[1].decode()
                if status is not None:
                    self.assertEqual(process.returncode, status)
                    self.assertRegex(errors, rf"^backplane: terminating on signal {int(number)} \(.*\)\n$")
                    self.assertFalse(path.exists())

    def test_a_server_that_waits_starts_when_its_peer_is_there(self):
        path, log = self.folder / "wait.sock", self.folder / "qmp.sock"
        process = self.start(*QUIET, "-serial", f"unix:{path},server=on", "-qmp", f"unix:{log},server=on,wait=off")
        self.assertIn("waiting for connection", process.stderr.readline().decode())
        with connect(path, process), connect(log, process) as client:
            self.assertTrue(client.recv(10))

    def test_an_address_that_does_not_answer_does_not_hold_up_a_signal(self):
        with socket.socket(socket.AF_UNIX) as listener:
            path = str(self.folder / "full.sock")
            listener.bind(path)
            listener.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(path)
                done = self.run_program(*QUIET, "-serial", f"unix:{path}")
                self.assertIn("the server's queue is full", done.errors)

    def test_pseudo_terminals_are_announced(self):
        process = self.start(*QUIET, "-serial", "pty", "-monitor", "pty")
        lines = [process.stdout.readline().decode() for _ in range(2)]
        lines.sort(key=lambda line: line.split()[-1])
        self.assertRegex(lines[0], r"^char device redirected to /dev/pts/\d+ \(label compat_monitor0\)\n$")
        self.assertRegex(lines[1], r"^char device redirected to /dev/pts/\d+ \(label serial0\)\n$")
        terminal = os.open(lines[0].split()[4], os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, terminal)
        self.assertIn(b"monitor", os.read(terminal, 100))

    def test_it_takes_the_descriptors_that_it_may(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        path = self.folder / "pid"
        process = self.start(
            *(*QUIET, "-pidfile", path, "-monitor", "none"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, most)),
        )
        self.await_file(path, process)
        self.assertEqual(resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0], min(most, 65536))

    def test_a_pid_file_lives_as_long_as_the_process(self):
        path = self.folder / "pid"
        process = self.start(*QUIET, "-pidfile", path, "-monitor", "none")
        self.assertEqual(self.await_file(path, process), f"{process.pid}\n")
        second = self.run_program(*QUIET, "-pidfile", path)
        self.assertEqual(second.status, 1)
        self.assertIn("another process that is running has it", second.errors)
        process.terminate()
        process.communicate(timeout=60)
        self.assertFalse(path.exists())

    def test_closed_standard_descriptors_are_taken_by_none(self):
        path = self.folder / "pid"
        command = '"$BACKPLANE_BINARY" -display none -M virt -S -monitor none -pidfile "$0" <&- >&- 2>&-'
        shell = subprocess.Popen(["sh", "-c", f"exec {command}", path], stderr=subprocess.PIPE)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.stderr.close)
        self.addCleanup(shell.kill)
        self.await_file(path, shell)
        for descriptor in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{shell.pid}/fd/{descriptor}"), "/dev/null")

    def test_the_terminal_is_put_back(self):
        parent, child = pty.openpty()
        before = termios.tcgetattr(child)
        process = self.start("-M", "virt", "-nographic", "-S", stdin=child)
        self.wait_for_raw(child, before, process)
        os.write(parent, b"\x01x")
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(termios.tcgetattr(child), before)

    def test_the_terminal_is_put_back_after_a_signal(self):
        for number in ENDING:
            with self.subTest(number.name):
                parent, child = pty.openpty()
                before = termios.tcgetattr(child)
                process = self.start("-M", "virt", "-nographic", "-S", stdin=child)
                self.wait_for_raw(child, before, process)
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=60), 1)
                self.assertEqual(termios.tcgetattr(child), before)
                os.close(parent)
                os.close(child)

    def wait_for_raw(self, terminal, before, process):
        for _ in range(600):
            if termios.tcgetattr(terminal) != before:
                return
            if process.poll() is not None:
                self.fail(f"it ended: {process.stderr.read().decode()}")
            select.select([], [], [], 0.05)
        self.fail("the terminal was not taken")


if __name__ == "__main__":
    unittest.main()
