"""`demo`: six weeks of sample complaints on the real parts, on a clock stepped from one event to the next."""
