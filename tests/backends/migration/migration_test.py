"""Machines that are saved and go on in another process: every place that they go through, what is said of them on the way,
and what happens when it fails. BACKPLANE_BINARY names the program."""

import array
import pathlib
import random
import signal
import socket
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cli"))
from program import DEADLINE, ProgramTest, Qmp, connect  # noqa: E402

# auipc a0, 0; lw a1, 0x100(a0); addi a1, a1, 1; sw a1, 0x100(a0); j back to the lw
LOOP = struct.pack("<5I", 0x00000517, 0x10052583, 0x00158593, 0x10B52023, 0xFF5FF06F)
COUNTER = 0x80000100
FILLED = 8 << 20  # bytes behind the loop that do not compress


class Machine:
    """A running program and its monitor."""

    def __init__(self, test, *arguments, **options):
        Machine.number = getattr(Machine, "number", 0) + 1
        path = test.folder / f"qmp{Machine.number}"
        self.process = test.start(
            *("-M", "virt", "-display", "none", "-serial", "none", "-monitor", "none"),
            *("-qmp", f"unix:{path},server=on,wait=off", *(arguments or ("-S",))),
            **options,
        )
        self.socket = connect(path, self.process)
        self.qmp = Qmp(self.socket)
        test.addCleanup(self.qmp.__exit__)
        self.qmp("qmp_capabilities")

    def __call__(self, command, **arguments):
        reply = self.qmp(command, **arguments)
        if "return" not in reply:
            raise AssertionError(f"{command}: {reply['error']['desc']}")
        return reply["return"]

    def refusal(self, command, **arguments):
        return self.qmp(command, **arguments)["error"]["desc"]

    def count(self):
        return int(self.qmp.human(f"xp /1xw {COUNTER:#x}").split()[1], 16)

    def counts_on(self):
        before = self.count()
        while self.count() == before:
            pass

    def status(self):
        return self("query-status")["status"]

    def transfer_ends(self):
        """What query-migrate says at the end."""
        while (found := self("query-migrate"))["status"] in ("setup", "active", "cancelling"):
            pass
        return found

    def transfer_is_active(self):
        while self("query-migrate")["status"] != "active":
            pass

    def await_status(self, status):
        while self.status() != status:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended: {self.process.stderr.read().decode()}")

    def send_descriptor(self, name, descriptor):
        request = b'{"execute": "getfd", "arguments": {"fdname": "%s"}}' % name.encode()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
        self.socket.sendmsg([request], [rights])
        assert self.qmp.read() == {"return": {}}

    def ends(self):
        """Its exit status and what it said."""
        errors = self.process.communicate(timeout=DEADLINE)[1].decode()
        return self.process.returncode, errors


class MigrationTest(ProgramTest):
    def source(self, *arguments):
        """A guest that counts."""
        bios = self.file("loop.bin", LOOP + random.Random(1).randbytes(FILLED))
        machine = Machine(self, "-m", "64M", "-bios", bios, *arguments)
        while machine.count() == 0:
            pass
        return machine

    def target(self, *arguments, memory="64M", **options):
        return Machine(self, "-m", memory, "-bios", "none", *arguments, **options)

    def saved(self, *arguments, mapped=True):
        """A file with a guest that counts, and how far it had counted."""
        source = self.source(*arguments)
        source("migrate-set-capabilities", capabilities=[{"capability": "mapped-ram", "state": mapped}])
        path = self.folder / "saved"
        source("migrate", uri=f"file:{path}")
        self.assertEqual(source.transfer_ends()["status"], "completed")
        count = source.count()
        source.process.kill()
        return path, count


class Places(MigrationTest):
    def goes_on(self, target, count):
        target.await_status("running")
        self.assertGreaterEqual(target.count(), count)
        target.counts_on()

    def moves(self, source, uri, target):
        source("migrate", uri=uri)
        self.assertEqual(source.transfer_ends()["status"], "completed")
        self.assertEqual(source.status(), "postmigrate")
        self.goes_on(target, source.count())

    def test_file(self):
        path, count = self.saved()
        self.goes_on(self.target("-incoming", f"file:{path}"), count)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual([each.name for each in self.folder.glob("saved*")], ["saved"])

    def test_file_that_is_a_stream(self):
        path, count = self.saved(mapped=False)
        self.assertLess(path.stat().st_size, 16 << 20)
        self.goes_on(self.target("-incoming", f"file:{path}"), count)

    def test_command(self):
        path = self.folder / "saved"
        source = self.source()
        source("migrate", uri=f"exec:gzip -1 > '{path}'")
        self.assertEqual(source.transfer_ends()["status"], "completed")
        self.goes_on(self.target("-incoming", f"exec:gzip -dc < '{path}'"), source.count())

    def test_unix_socket(self):
        uri = f"unix:{self.folder / 'moving'}"
        target = self.target("-incoming", uri)
        self.assertEqual(target.status(), "inmigrate")
        self.moves(self.source(), uri, target)

    def test_tcp_socket(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            uri = f"tcp:127.0.0.1:{free.getsockname()[1]}"
        target = self.target("-incoming", uri)
        self.moves(self.source(), uri, target)

    def test_descriptor_that_is_inherited(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            number = theirs.fileno()
            target = self.target("-incoming", f"fd:{number}", pass_fds=[number])
            source = self.source()
            source.send_descriptor("out", ours.fileno())
        self.moves(source, "fd:out", target)

    def test_descriptor_that_a_monitor_was_given(self):
        source, target = self.source(), self.target("-incoming", "defer")
        ours, theirs = socket.socketpair()
        with ours, theirs:
            source.send_descriptor("out", ours.fileno())
            target.send_descriptor("in", theirs.fileno())
        target("migrate-incoming", uri="fd:in")
        self.moves(source, "fd:out", target)

    def test_deferred(self):
        path, count = self.saved()
        target = self.target("-incoming", "defer")
        self.assertEqual(target.status(), "inmigrate")
        self.assertIn("No such file", target.refusal("migrate-incoming", uri=f"file:{path}x"))
        self.assertEqual(target.status(), "inmigrate")
        target("migrate-incoming", uri=f"file:{path}")
        self.goes_on(target, count)


class Words(MigrationTest):
    def test_events_and_figures(self):
        uri = f"unix:{self.folder / 'moving'}"
        on = [{"capability": "events", "state": True}]
        target, source = self.target("-incoming", uri), self.source()
        for machine in (target, source):
            machine("migrate-set-capabilities", capabilities=on)
        self.assertEqual(source("query-migrate"), {})
        source("migrate", uri=uri)
        found = source.transfer_ends()
        target.await_status("running")

        def events(machine):
            machine("query-status")  # what was sent before is read with it
            statuses = [each["data"]["status"] for each in machine.qmp.events if each["event"] == "MIGRATION"]
            return statuses, [each["event"] for each in machine.qmp.events if each["event"] != "MIGRATION"]

        self.assertEqual(events(source), (["setup", "active", "completed"], ["STOP"]))
        self.assertEqual(events(target), (["active", "completed"], ["RESUME"]))  # it was set up before
        ram = found["ram"]
        self.assertEqual(found["status"], "completed")
        self.assertGreaterEqual(ram["total"], 64 << 20)
        self.assertEqual(ram["remaining"], 0)
        self.assertGreater(ram["transferred"], FILLED)
        self.assertGreaterEqual(ram["normal"], FILLED // 4096)
        self.assertEqual(ram["normal-bytes"], ram["normal"] * ram["page-size"])
        self.assertGreaterEqual(ram["normal"] + ram["duplicate"], (64 << 20) // 4096)
        self.assertGreaterEqual(found["total-time"], found["setup-time"])
        self.assertIn("downtime", found)
        self.assertIn("Migration status: completed", source.qmp.human("info migrate"))
        self.assertEqual(target("query-migrate")["status"], "completed")

    def test_a_machine_that_stood_still_does_so_where_it_goes_on(self):
        source = self.source()
        source("stop")
        count = source.count()
        path = self.folder / "saved"
        source("migrate", uri=f"file:{path}")
        source.transfer_ends()
        target = self.target("-incoming", f"file:{path}")
        target.await_status("paused")
        self.assertEqual(target.count(), count)
        target("cont")
        target.counts_on()

    def test_a_machine_that_shall_not_start_waits(self):
        path, count = self.saved()
        target = self.target("-incoming", f"file:{path}", "-S")
        target.await_status("paused")
        self.assertEqual(target.count(), count)
        target("cont")
        target.counts_on()

    def test_a_saved_machine_may_go_on_where_it_was(self):
        source = self.source()
        source("migrate", uri=f"file:{self.folder / 'saved'}")
        source.transfer_ends()
        self.assertEqual(source.status(), "postmigrate")
        source("cont")
        source.counts_on()

    def test_people_wait_for_its_end(self):
        source = self.source()
        self.assertEqual(source.qmp.human(f"migrate file:{self.folder / 'saved'}"), "")
        self.assertEqual(source("query-migrate")["status"], "completed")
        self.assertIn("gone", source.qmp.human(f"migrate file:{self.folder / 'gone' / 'saved'}"))

    def test_what_is_no_place_is_named(self):
        source = self.source()
        for uri, word in {
            "rdma:host:1": "no place",
            "file:": "path",
            "tcp:host": "tcp:HOST:PORT",
            "fd:nobody": "nobody",
            "fd:999": "999",
            "defer": "-incoming",
            "file:/tmp/x,offset=4096": "offset",
        }.items():
            self.assertIn(word, source.refusal("migrate", uri=uri))
        self.assertEqual(source.status(), "running")
        self.assertIn("-incoming", source.refusal("migrate-incoming", uri="defer"))
        for place, word in {"rdma:host:1": "no place", "fd:999": "999", "tcp:127.0.0.1:99999": "99999"}.items():
            done = self.run_program("-M", "virt", "-display", "none", "-incoming", place)
            self.assertEqual(done.status, 1, place)
            self.assertIn(word, done.errors)


class Failures(MigrationTest):
    """The machine that should have been saved runs on; the one that should have come says why it did not."""

    def fails(self, source, uri, reason):
        source("migrate", uri=uri)
        found = source.transfer_ends()
        self.assertEqual(found["status"], "failed")
        self.assertRegex(found["error-desc"], reason)
        self.assertEqual(source.status(), "running")
        source.counts_on()

    def test_nobody_is_there(self):
        source = self.source()
        self.fails(source, f"unix:{self.folder / 'nobody'}", "No such file")
        self.fails(source, f"file:{self.folder / 'nowhere' / 'saved'}", "No such file")
        self.fails(source, "exec:exit 3", "status 3|Broken pipe")
        self.fails(source, "exec:cat >/dev/null; exit 3", "status 3")
        self.fails(source, "file:/dev/full", "No space")
        # And then it can be saved all the same.
        source("migrate", uri=f"file:{self.folder / 'saved'}")
        self.assertEqual(source.transfer_ends()["status"], "completed")

    def listener(self):
        path = self.folder / "moving"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(DEADLINE)
        return listener, f"unix:{path}"

    def test_the_target_goes_away(self):
        listener, uri = self.listener()
        source = self.source()
        source("migrate", uri=uri)
        with listener.accept()[0] as target:
            target.recv(1000, socket.MSG_WAITALL)
        found = source.transfer_ends()
        self.assertEqual(found["status"], "failed")
        self.assertRegex(found["error-desc"], "Broken pipe|Connection reset")
        self.assertEqual(source.status(), "running")
        source.counts_on()

    def test_cancelled_on_the_way(self):
        listener, uri = self.listener()
        source = self.source()
        source("migrate", uri=uri)
        with listener.accept()[0]:  # it does not read
            source.transfer_is_active()
            self.assertEqual(source.status(), "finish-migrate")
            self.assertIn("in progress", source.refusal("migrate", uri=uri))
            source("migrate_cancel")
            self.assertEqual(source.transfer_ends()["status"], "cancelled")
        self.assertEqual(source.status(), "running")
        source.counts_on()

    def test_cancelled_while_a_file_is_written(self):
        source = self.source()
        source("migrate-set-capabilities", capabilities=[{"capability": "mapped-ram", "state": False}])
        source("migrate-set-parameters", max_bandwidth=1 << 20)
        path = self.folder / "saved"
        source("migrate", uri=f"file:{path}")
        source.transfer_is_active()
        source("migrate_cancel")
        self.assertEqual(source.transfer_ends()["status"], "cancelled")
        self.assertEqual(list(self.folder.glob("saved*")), [])
        source.counts_on()

    def test_ended_on_the_way(self):
        listener, uri = self.listener()
        source = self.source()
        source("migrate", uri=uri)
        with listener.accept()[0]:
            source.transfer_is_active()
            source.process.send_signal(signal.SIGTERM)
            self.assertEqual(source.ends()[0], 1)

    def test_ended_while_it_waits_for_its_state(self):
        for place in ("defer", f"unix:{self.folder / 'moving'}", "exec:exec sleep 1000"):
            target = self.target("-incoming", place)
            target.await_status("inmigrate")
            target.process.send_signal(signal.SIGTERM)
            self.assertEqual(target.ends()[0], 1, place)

    def test_rubbish_is_refused(self):
        rubbish = self.file("rubbish", random.Random(2).randbytes(100_000))
        empty = self.file("empty")
        for place, reason in {
            f"file:{rubbish}": "no saved machine",
            f"exec:cat '{rubbish}'": "no saved machine",
            f"file:{empty}": "cut short",
            "exec:true": "cut short",
            "exec:exit 5": "cut short|status 5",
            f"file:{self.folder}": "directory",
            f"file:{self.folder / 'nothing'}": "No such file",
        }.items():
            done = self.run_program("-M", "virt", "-display", "none", "-incoming", place)
            self.assertEqual(done.status, 1, place)
            self.assertRegex(done.errors, f"load of migration failed: .*({reason})")

    def test_rubbish_from_a_socket_is_refused(self):
        path = self.folder / "moving"
        target = self.target("-incoming", f"unix:{path}")
        with connect(path, target.process) as sender:
            sender.sendall(bytes(1000))
        status, errors = target.ends()
        self.assertEqual(status, 1)
        self.assertIn("no saved machine", errors)

    def test_a_refusal_need_not_be_the_end(self):
        path, count = self.saved()
        target = self.target("-incoming", "defer")
        for bad in (self.file("rubbish", bytes(5000)), self.file("cut", path.read_bytes()[:-100])):
            target("migrate-incoming", uri=f"file:{bad}", exit_on_error=False)
            found = target.transfer_ends()
            self.assertEqual(found["status"], "failed")
            self.assertTrue(found["error-desc"])
            self.assertEqual(target.status(), "inmigrate")
        target("migrate-incoming", uri=f"file:{path}")
        target.await_status("running")
        self.assertGreaterEqual(target.count(), count)

    def test_another_machine_is_named(self):
        path, _ = self.saved()
        for options, reason in {
            ("-m", "32M"): "memory '/machine:ram' has 67108864 bytes",
            ("-m", "64M", "-smp", "2"): "1 CPUs, and this one 2",
            ("-m", "64M", "-device", "virtio-balloon-device"): "virtio-balloon-device.* is not in the saved machine",
        }.items():
            machine = ("-M", "virt", "-bios", "none", "-display", "none")
            done = self.run_program(*machine, *options, "-incoming", f"file:{path}")
            self.assertEqual(done.status, 1, options)
            self.assertRegex(done.errors, reason)

    def test_a_file_that_is_damaged_stops_the_machine(self):
        path, _ = self.saved()
        content = bytearray(path.read_bytes())
        at = content.find(random.Random(1).randbytes(FILLED)[4096:8192])
        content[at] ^= 1
        path.write_bytes(content)
        target = self.target("-incoming", f"file:{path}")
        target.await_status("internal-error")
        self.assertEqual(target("query-migrate")["status"], "completed")


if __name__ == "__main__":
    unittest.main()
