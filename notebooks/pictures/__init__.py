"""Pictures that one notebook alone shows, a module for each, named as its checks are."""
