"""gdb-multiarch debugs a bare-metal guest of two harts, from reset on. BACKPLANE_BINARY names the program. Exit status
77: a tool is missing, and which."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "cli"))
from program import DEADLINE, ProgramTest, connect  # noqa: E402

GDB = "gdb-multiarch"
PREFIX = "riscv64-linux-gnu"


def setUpModule():
    """Assembles the guest."""
    global FOLDER
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    FOLDER = pathlib.Path(folder.name)
    script = TESTS / "accel/tcg-riscv/programs/program.ld"
    source = TESTS / "backends/gdb/debuggee.S"
    flags = ["-nostdlib", "-static", "-no-pie", "-mabi=lp64d", "-march=rv64gc", "-Wl,--no-relax"]
    flags += ["-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", "-T", script]
    subprocess.run([f"{PREFIX}-gcc", *flags, "-o", FOLDER / "debuggee.elf", source], check=True)
    subprocess.run(
        [f"{PREFIX}-objcopy", "-O", "binary", FOLDER / "debuggee.elf", FOLDER / "debuggee.bin"], check=True
    )


class Monitor:
    """A JSON monitor's client."""

    def __init__(self, connection):
        self.stream = connection.makefile("rw")
        self.stream.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            reply = json.loads(self.stream.readline())
            if "event" not in reply:
                return reply.get("return", reply)

    def status(self):
        return self.execute("query-status")["status"]


class DebuggerTest(ProgramTest):
    def start_guest(self, *arguments):
        self.place = self.folder / "gdb.sock"
        control = self.folder / "qmp.sock"
        self.guest = self.start(
            *("-M", "virt", "-smp", 2, "-display", "none", "-serial", "none", "-monitor", "none"),
            *("-bios", FOLDER / "debuggee.bin", "-qmp", f"unix:{control},server=on,wait=off"),
            *("-object", f"gdbserver,id=gdb,device=unix:{self.place},,server=on,,wait=off"),
            *arguments,
        )
        self.monitor = Monitor(connect(control, self.guest))

    def gdb_command(self, *commands):
        line = [GDB, "-nx", "-batch", "-ex", "set confirm off", "-ex", f"file {FOLDER / 'debuggee.elf'}"]
        for command in (f"target remote {self.place}", *commands):
            line += ["-ex", command]
        return line

    def gdb(self, *commands):
        """What gdb says when it is given these commands behind `target remote`."""
        done = subprocess.run(
            self.gdb_command(*commands), capture_output=True, timeout=DEADLINE, text=True, stdin=subprocess.DEVNULL
        )
        self.said = done.stdout + done.stderr
        return self.said

    def start_gdb(self, *commands):
        """A gdb at work, when it has made the guest go on."""
        process = subprocess.Popen(
            self.gdb_command(*commands), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True,
        )
        while self.monitor.status() != "running":
            self.assertIsNone(process.poll(), "gdb ended")
        return process

    def expect(self, *patterns):
        for pattern in patterns:
            self.assertRegex(self.said, pattern)

    def test_breakpoints_stop_from_reset_on(self):
        self.start_guest("-S")
        self.gdb("info registers pc", "break *work", "hbreak *stored", "continue", "print $pc == work", "continue", "bt")
        self.expect(r"pc +0x1000\b", r"Breakpoint 1, .*work", r"\$1 = 1", r"Breakpoint 2, .*stored", r"#1 .* loop")

    def test_a_software_breakpoint_is_not_written_into_memory(self):
        self.start_guest("-S")
        self.gdb("hbreak *loop", "continue", "x/wx &work", "set breakpoint always-inserted on", "break *work", "x/wx &work",
                 "monitor xp /1wx 0x8000001c", "print/x &work")
        words = [line.split()[-1] for line in self.said.splitlines() if "work" in line and ":\t" in line]
        self.assertEqual(len(set(words)), 1, self.said)

    def test_registers_of_every_kind_are_read_and_written(self):
        self.start_guest("-S")
        self.gdb("hbreak *loop", "continue", "print $priv", "print/x $mtvec == (long)&handler", "set $mscratch = 77",
                 "print $mscratch", "set $a0 = 5", "print $a0", "set $fa0.double = 1.5", "print $fa0.double",
                 "print $misa < 0", "print $mhartid", "info registers float")
        self.expect(r"\$1 = 3", r"\$2 = 0x1", r"\$3 = 77", r"\$4 = 5", r"\$5 = 1.5", r"\$6 = 1", r"\$7 = 0", "fcsr|ft11")

    def test_single_steps(self):
        self.start_guest("-S")
        self.gdb("hbreak *work", "continue", "delete", "stepi", "stepi", "print $pc == stored", "stepi", "stepi",
                 "print *(long*)&counter", "print $pc > (long)&loop && $pc < (long)&work")
        self.expect(r"\$1 = 1", r"\$2 = 1", r"\$3 = 1")

    def test_threads_are_harts(self):
        self.start_guest("-S")
        self.gdb("hbreak *work", "continue", "info threads", "thread apply all print $mhartid", "thread 2",
                 "print $s2 >= 0")
        self.expect(r"1 +Thread 1\.1 .*CPU#0", r"2 +Thread 1\.2 .*CPU#1", r"= 0", r"= 1")

    def test_one_hart_steps_while_the_other_stands(self):
        self.start_guest("-S")
        self.gdb("hbreak *work", "continue", "delete", "set scheduler-locking on", "thread 2", "set $pc = other",
                 "set $s2 = 100", "stepi", "stepi", "stepi", "print $s2", "thread 1", "print $pc == work")
        self.expect(r"\$1 = 102", r"\$2 = 1")

    def test_watchpoints(self):
        self.start_guest("-S")
        self.gdb("hbreak *loop", "continue", "delete", "watch *(long*)&counter", "continue", "continue", "print *(long*)&counter",
                 "delete", "rwatch *(int*)&counter", "continue", "delete", "awatch *(int*)((char*)&counter + 4)",
                 "continue", "continue")
        self.expect(r"Hardware watchpoint 2", r"Old value = 0\s+New value = 1", r"Old value = 1\s+New value = 2",
                    r"\$1 = 2", r"Hardware read watchpoint 3", r"Value = 2", r"Hardware access .* 4")

    def test_memory_is_written_and_code_with_it(self):
        self.start_guest("-S")
        # `work` becomes a jump to the handler.
        self.gdb("hbreak *work", "continue", "delete", "set *(long*)&beside = 0x1234", "print/x *(long*)&beside",
                 "set *(unsigned*)&work = 0x6f | (((long)&handler - (long)&work) & 0x7fe) << 20", "hbreak *handler",
                 "continue", "print $pc == handler", "print *(long*)&counter")
        self.expect(r"\$1 = 0x1234", r"\$2 = 1", r"\$3 = 0")

    def test_an_interrupt_stops_a_running_guest(self):
        self.start_guest("-S")
        process = self.start_gdb("set debug remote 1", "continue", "print *(long*)&counter >= 0", "thread 2",
                                 "print $s2 >= 0")
        # A Ctrl-c that comes before gdb waits for the guest is lost.
        for mark in ("vCont;c", "wait: enter"):
            while mark not in (line := process.stdout.readline()):
                self.assertTrue(line, "gdb ended")
        process.send_signal(signal.SIGINT)
        self.said = process.communicate(timeout=DEADLINE)[0]
        self.expect("SIGINT", r"\$1 = 1", r"\$2 = 1")

    def test_detach_lets_the_guest_run_and_another_attaches(self):
        self.start_guest("-S")
        self.gdb("break *work", "continue", "detach")
        self.assertEqual(self.monitor.status(), "running")
        self.gdb("print *(long*)&counter > 0", "detach")
        self.expect(r"\$1 = 1")
        self.assertEqual(self.monitor.status(), "running")

    def test_a_debugger_that_vanishes_leaves_the_guest_as_it_is(self):
        self.start_guest("-S")
        process = self.start_gdb("hbreak *handler", "continue")
        process.kill()
        process.communicate()
        self.assertEqual(self.monitor.status(), "running")
        self.gdb("info registers pc")  # comes, stops it, and leaves by detaching
        self.expect(r"pc +0x8000")

    def test_monitor_commands(self):
        self.start_guest("-S")
        self.gdb("monitor info status", "monitor nonsense", "hbreak *work", "continue", "monitor info status")
        self.expect(r"VM status: paused \(prelaunch\)", "unknown command|nonsense", r"VM status: paused \(debug\)")

    def test_a_reset_keeps_the_breakpoints(self):
        self.start_guest("-S")
        self.gdb("hbreak *work", "continue", "continue", "print *(long*)&counter", "monitor system_reset",
                 "maintenance flush register-cache", "print $pc", "continue", "print *(long*)&counter")
        self.expect(r"\$1 = 1", r"\$2 = .*0x1000", r"\$3 = 0")

    def test_the_monitor_stops_and_continues_meanwhile(self):
        self.start_guest("-S")
        process = self.start_gdb("continue", "print *(long*)&counter >= 0")
        self.monitor.execute("stop")
        self.said = process.communicate(timeout=DEADLINE)[0]
        self.expect("SIGINT", r"\$1 = 1")

    def test_kill_ends_the_program(self):
        self.start_guest("-S")
        self.gdb("kill")
        self.assertEqual(self.guest.wait(timeout=DEADLINE), 0)


if __name__ == "__main__":
    missing = [tool for tool in (GDB, f"{PREFIX}-gcc", f"{PREFIX}-objcopy") if not shutil.which(tool)]
    if missing:
        print(f"SKIPPED: {', '.join(missing)} is missing; run: ./dev setup test")
        sys.exit(77)
    unittest.main()
