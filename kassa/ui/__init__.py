"""The customer screens: Kivy draws the view and sends intents; no money state lives here."""
