"""Who is who as of a day: divisions, organisations, matters."""
