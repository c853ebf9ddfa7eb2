"""CCNET bill validators (CashCode and compatibles)."""
