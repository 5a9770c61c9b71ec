"""`python -m perception_label`."""

from perception_label.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
