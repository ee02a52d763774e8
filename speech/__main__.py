"""`python -m speech`: the command line."""

from speech.cli import main

main()
