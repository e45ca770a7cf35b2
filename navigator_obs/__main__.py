"""`python -m navigator_obs` is the command `navigator-obs`."""

from .cli.main import main

if __name__ == "__main__":
    main()
