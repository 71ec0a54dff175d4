"""The services of Suda, one question each: intake, routing, sla, reporting; and the command line above them."""
