"""The contracts on the topics: frozen models, one file per topic, additive and versioned (DESIGN.md section 5)."""
