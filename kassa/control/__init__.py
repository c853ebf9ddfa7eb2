"""The control socket: how UI, command line and web talk to the core."""
