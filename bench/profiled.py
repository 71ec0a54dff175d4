"""A service under cProfile: `python -m bench.profiled FILE MODULE`; the profile is written when it is told to end."""

import cProfile
import runpy
import signal
import sys


def main() -> None:
    file, module = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has stopped
    profile = cProfile.Profile()
    sys.argv = [module]
    try:
        profile.runcall(runpy.run_module, module, run_name="__main__", alter_sys=True)
    finally:
        profile.dump_stats(file)


if __name__ == "__main__":
    main()
