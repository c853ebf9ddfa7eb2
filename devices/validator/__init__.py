"""What all bill validators have in common: where a note can be, what is asked of it, and the driver that loses none."""
