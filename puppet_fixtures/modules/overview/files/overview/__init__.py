"""The public overview: one page of hosts, services and states, without a script and without a word that a check said."""
