"""`verify`: what the topics and the stores hold, read once and held against one another (DESIGN.md 6.8)."""
