"""SSP and eSSP note validators (Innovative Technology)."""
