"""The command `plugin`, and folders of plugins that users name."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from program import BINARY, ProgramTest

STRANGER = 12345
PLUGINS = pathlib.Path(BINARY).resolve().parent.parent / "plugins"


def environment(**changes):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BACKPLANE_PLUGIN", "XDG_"))}
    return {**clean, **changes}


class PluginCommand(ProgramTest):
    def damaged(self):
        (self.folder / "broken.so").write_bytes(b"\x7fELF")
        return self.folder

    def test_all_is_well(self):
        for question in (["list"], ["info", "monitor"], ["why", "virt"], ["why", "monitor"]):
            result = self.run_program("plugin", *question, env=environment(HOME="/nonexistent"))
            self.assertEqual((result.status, result.errors), (0, ""), question)

    def test_a_refusal_ends_with_one(self):
        folder = self.damaged()
        listed = self.run_program("plugin", "list", "--plugin-dir", folder)
        self.assertEqual(listed.status, 1)
        self.assertIn("refused: broken.so: it is not an ELF file", listed.output)
        for question in ("info", "why"):
            result = self.run_program("plugin", question, "broken", "--plugin-dir", folder)
            self.assertEqual(result.status, 1, question)
            self.assertIn("not an ELF file", result.output)

    def test_why_a_name_means_something(self):
        result = self.run_program("plugin", "why", "virt")
        self.assertIn("riscv-virt.so", result.output)
        result = self.run_program("plugin", "why", "vrit")
        self.assertEqual(result.status, 1)
        self.assertIn("searched", result.output)

    def test_json(self):
        folder = self.damaged()
        listed = json.loads(self.run_program("plugin", "list", "--json", "--plugin-dir", folder).output)
        self.assertIn(str(folder.resolve()), [entry["path"] for entry in listed["folders"]])
        refused = [plugin for plugin in listed["plugins"] if "refusal" in plugin]
        self.assertEqual([plugin["origin"] for plugin in refused], ["--plugin-dir"])
        info = json.loads(self.run_program("plugin", "info", "monitor", "--json").output)
        self.assertIn("monitor-qmp", [type["name"] for type in info["types"]])
        why = json.loads(self.run_program("plugin", "why", "virt", "--json").output)
        self.assertTrue(why["usable"])

    def test_what_it_cannot_answer(self):
        for question in ([], ["list", "x"], ["info"], ["why", "a", "b"], ["list", "--yaml"], ["list", "--plugin-dir"]):
            self.assertEqual(self.run_program("plugin", *question).status, 1, question)


class Folders(ProgramTest):
    def machine_help(self, *arguments, **variables):
        return self.run_program(*arguments, "-machine", "help", env=environment(**variables))

    def test_a_folder_that_is_not_there(self):
        missing = self.folder / "missing"
        result = self.machine_help("--plugin-dir", missing)
        self.assertEqual(result.status, 1)
        self.assertIn(f"--plugin-dir: '{missing}' does not exist", result.errors)
        result = self.machine_help(BACKPLANE_PLUGIN_PATH=str(missing))
        self.assertEqual(result.status, 0)
        self.assertIn(f"warning: BACKPLANE_PLUGIN_PATH: '{missing}' does not exist", result.errors)

    def test_the_users_own_folder(self):
        own = self.folder / "backplane/plugins"
        self.assertEqual(self.machine_help(XDG_DATA_HOME=str(self.folder)).errors, "")
        own.mkdir(parents=True)
        (own / "broken.so").write_bytes(b"\x7fELF")
        result = self.run_program("plugin", "list", env=environment(XDG_DATA_HOME=str(self.folder)))
        self.assertIn("refused: broken.so", result.output)

    @unittest.skipIf(os.geteuid() != 0, "only root gives files to other users")
    def test_a_strangers_folder_is_not_used_by_root(self):
        os.chown(self.folder, STRANGER, -1)
        result = self.machine_help("--plugin-dir", self.folder)
        self.assertEqual(result.status, 1)
        self.assertIn("belongs to user 12345", result.errors)

    def moved_installation(self):
        """The program's library in a folder of its own, with one plugin where an installation has them."""
        library = pathlib.Path(BINARY).resolve().parent.parent / "lib/libbackplane.so.0"
        plugins = self.folder / "lib/backplane/plugins"
        plugins.mkdir(parents=True)
        shutil.copy(library, self.folder / "lib/libbackplane.so.0")
        shutil.copy(PLUGINS / "rng.so", plugins)
        return plugins

    def listed_by_moved_installation(self):
        variables = environment(LD_LIBRARY_PATH=str(self.folder / "lib"), HOME="/nonexistent")
        return self.run_program("plugin", "list", "--json", env=variables)

    def test_an_installation_is_found_beside_its_library(self):
        plugins = self.moved_installation()
        result = self.listed_by_moved_installation()
        self.assertEqual((result.status, result.errors), (0, ""))
        listed = json.loads(result.output)
        self.assertEqual(listed["folders"][0]["path"], str(plugins.resolve()))
        self.assertEqual([plugin["plugin"] for plugin in listed["plugins"]], ["rng"])

    @unittest.skipIf(os.geteuid() != 0, "only root gives files to other users")
    def test_who_owns_the_library_may_own_its_plugins(self):
        plugins = self.moved_installation()
        os.chown(self.folder, STRANGER, -1)
        os.chown(plugins / "rng.so", STRANGER, -1)
        self.assertEqual(self.listed_by_moved_installation().status, 0)

    @unittest.skipIf(os.geteuid() != 0, "only root makes a program that changes its user")
    def test_a_set_uid_program_does_not_read_the_environment(self):
        if os.statvfs(self.folder).f_flag & os.ST_NOSUID:
            self.skipTest("programs in this folder cannot change their user")
        os.chmod(self.folder, 0o755)
        program = self.folder / "backplane"
        shutil.copy(BINARY, program)
        os.chmod(program, 0o4755)
        named = self.folder / "named"
        named.mkdir()
        (named / "broken.so").write_bytes(b"\x7fELF")
        command = [program, "plugin", "list", "--json"]
        variables = environment(BACKPLANE_PLUGIN_PATH=str(named), XDG_DATA_HOME=str(named))
        plain = json.loads(subprocess.run([BINARY, *command[1:]], env=variables, capture_output=True).stdout)
        self.assertIn(str(named), [folder["path"] for folder in plain["folders"]])
        done = subprocess.run(command, env=variables, capture_output=True, user=STRANGER)
        self.assertEqual(done.stderr, b"")
        paths = [folder["path"] for folder in json.loads(done.stdout)["folders"]]
        self.assertEqual(paths, [str(PLUGINS)])


if __name__ == "__main__":
    unittest.main()
