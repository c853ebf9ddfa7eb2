"""ATOL fiscal registrars: JSON tasks, run by the vendor's web server or by the vendor's library in a process of its own."""
