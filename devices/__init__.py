"""Bill validators and fiscal registrars: protocols, drivers, simulators."""
