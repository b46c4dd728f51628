"""All Python in this repository that users run is valid in Python 3.9 and uses only the standard library."""

import ast
import glob
import os
import sys
import unittest

from parent import PEER, ROOT

FILES = [*glob.glob(os.path.join(PEER, "**", "*.py"), recursive=True), os.path.join(ROOT, "docs", "child.py")]


class Source(unittest.TestCase):
    def test_every_file_is_valid_in_python_3_9(self):
        self.assertGreater(len(FILES), 10)
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                ast.parse(file.read(), path, feature_version=(3, 9))

    @unittest.skipIf(sys.version_info < (3, 10), "this interpreter does not list its standard library")
    def test_every_import_is_in_the_standard_library_or_here(self):
        here = {os.path.splitext(name)[0] for name in os.listdir(PEER)}
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read(), path)
            for node in ast.walk(tree):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module]
                for name in names:
                    top = name.split(".")[0]
                    self.assertTrue(top in here or top in sys.stdlib_module_names, f"{path} imports {name}")

    def test_the_example_is_short(self):
        with open(os.path.join(ROOT, "docs", "child.py"), encoding="utf-8") as file:
            self.assertLessEqual(len(file.readlines()), 120)


if __name__ == "__main__":
    unittest.main()
