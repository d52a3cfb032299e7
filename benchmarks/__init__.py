"""Speed against other libraries and against the physical limit."""
