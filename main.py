"""Brain tumour segmentation experiments: ``python main.py --help`` lists the commands."""

import sys

from lightning_app.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
