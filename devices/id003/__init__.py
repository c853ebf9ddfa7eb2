"""ID-003 bill validators (JCM and work-alikes)."""
