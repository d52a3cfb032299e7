"""What only a known truth can show: whose error it is, what guidance samples, what a label tells, what copies."""
