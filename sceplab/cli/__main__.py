"""`python -m sceplab.cli`: the same as the command `sceplab`."""

import sys

from sceplab.cli import main

sys.exit(main())
