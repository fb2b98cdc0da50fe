"""`python -m sig_workers.cli`: the same as the `sigbot` script, without knowing where that was installed."""

from sig_workers.cli.main import main

main()
