"""Who may do what: accounts, ways to log in, and the guard in front of every route."""
