"""``python -m calm_ext`` is ``calm-ext``."""

from calm_ext.cli.main import main

if __name__ == "__main__":
    main()
