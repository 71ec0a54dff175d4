"""What the services share and own together: contracts, law, directory, privacy, bus, journal. Knows no service."""
