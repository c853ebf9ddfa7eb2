"""What the screens are made of. Importing the package makes every widget known to the .kv files."""

from kassa.ui.widgets import basics, boxes, frame, keys, touch

__all__ = ["basics", "boxes", "frame", "keys", "touch"]
