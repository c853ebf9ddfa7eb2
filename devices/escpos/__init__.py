"""Receipt printers that speak ESC/POS: no fiscal functions, the same port as a registrar's."""
