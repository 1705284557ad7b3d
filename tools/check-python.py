"""Say what to type where this Python cannot make the project's virtual environment."""

import sys

NEEDED = (3, 11)


def main():
    goal = "make demo PYTHON=/path/to/python3.11"
    if sys.version_info < NEEDED:
        print(
            "Python %d.%d or newer is needed; %s is %d.%d."
            % (NEEDED + (sys.executable,) + tuple(sys.version_info[:2]))
        )
        print("Install a newer one (macOS: brew install python; Debian: apt install python3),")
        print("then type: " + goal)
        return 1
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        print("This Python has no venv module, which Debian and Ubuntu package apart.")
        print("Type: sudo apt install python%d.%d-venv" % tuple(sys.version_info[:2]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
