"""What a sizing is told as: one page of HTML, its JSON twin, a specification for a hoster, and two runs side by side."""
