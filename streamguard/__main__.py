"""``python -m streamguard``: the command line."""

from streamguard.cli import main

if __name__ == "__main__":
    main()
