"""What keeps a person out of the log: encryption, blind index, query codes, masks, tokens."""
