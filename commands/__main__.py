import sys

from commands.program import main

sys.exit(main())
