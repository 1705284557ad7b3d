"""`akosha-hook demo`, and the servers and databases that tests and benches share with it."""
