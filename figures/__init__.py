"""The report's figures, one script each beside the picture it draws; `python -m figures` draws all of them."""
