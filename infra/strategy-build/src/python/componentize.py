"""Wraps the modules of a folder, with the interpreter that runs them, into a component.

    python componentize.py WIT_DIR WORLD SOURCE_DIR OUTPUT

The library's function is called and not its command: the command also mounts the packages that happen to be installed
on the machine, and these have no place in a component.
"""

import sys

from componentize_py import componentize

wit_dir, world, source_dir, output = sys.argv[1:]
try:
    componentize(
        wit_path=[wit_dir],
        worlds=[world],
        features=[],
        all_features=False,
        world_module=None,
        python_path=[source_dir],
        module_worlds=[],
        app_name="app",
        output_path=output,
        # What the interpreter would want of the system is replaced by traps: the component imports nothing.
        stub_wasi=True,
        import_interface_names=[],
        export_interface_names=[],
        full_names=False,
        intersect_world=None,
    )
except AssertionError as error:
    sys.exit(str(error))
