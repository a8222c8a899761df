import sys

from facechain_ext.cli.main import main

sys.exit(main())
