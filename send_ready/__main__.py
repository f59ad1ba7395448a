import sys

from send_ready.cli import main

sys.exit(main())
