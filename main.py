"""Brain tumour segmentation experiments: ``python main.py --help`` lists the commands."""

import sys

from lightning_app.cli import main
from lightning_app.utils.streams import prepare_streams, use_utf8

if __name__ == "__main__":
    use_utf8()
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
