"""The flight recorder: what passed on the devices' lines lately, byte for byte, and what passed during each payment."""
